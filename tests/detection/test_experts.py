from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from swift_hydra_kedro.config import AdditiveConfig, NeighboursConfig
from swift_hydra_kedro.detection import experts as experts_module
from swift_hydra_kedro.detection.experts import VIEWS, fit_experts
from swift_hydra_kedro.detection.rows import Bag
from swift_hydra_kedro.detection.stacking import Opinions
from swift_hydra_kedro.models.encoding import NORMAL, PIECEWISE, SCALED, PiecewiseLinearEncoding

from .toy import N_NORMAL, experts_config, training_rows

CLUSTERS = np.array([0, 1, 2, 0] * 3)
BRIEFLY = experts_config().training.model_copy(update={"max_steps": 2})


def fit(rows, seed=0, **settings):
    config = experts_config(**settings)
    encoding = PiecewiseLinearEncoding.fit(rows.x.numpy(), config.mamba.bins)
    return fit_experts(rows, CLUSTERS[: config.n_experts], encoding, config, torch.Generator().manual_seed(seed))


def members(rows, seed=0, **settings):
    return fit(rows, seed, **settings)[0].members


@pytest.fixture(scope="module")
def fitted():
    rows = training_rows()
    return rows, *fit(rows, feature_share=1.0)


@torch.no_grad()
def test_every_expert_learns_a_separable_table(fitted):
    rows, committee, *_ = fitted
    scores = committee.members(rows.x.expand(4, -1, -1))
    assert all(roc_auc_score(rows.y, score) > 0.97 for score in scores)


def test_history_tells_step_and_loss(fitted):
    _, _, history, *_ = fitted
    assert history[0].keys() == {"step", "loss"}
    assert history[-1]["step"] == 60
    assert history[-1]["loss"] < history[0]["loss"]
    assert all(np.isfinite(list(row.values())).all() for row in history)


def test_each_expert_sees_its_share_of_the_features_alone():
    rows = training_rows()
    experts = members(rows, feature_share=0.75)
    base = experts(rows.x.expand(4, -1, -1))
    changes = []
    for feature in range(4):
        x = rows.x.clone()
        x[:, feature] += 1
        changes.append((experts(x.expand(4, -1, -1)) - base).abs().amax(1) > 0)
    seen = torch.stack(changes, dim=1)  # (M, P)
    assert (seen.sum(1) == 3).all()
    assert len(seen.unique(dim=0)) > 1


def inputs_seen(experts):
    """Inputs `(M, F)` that have a weight, in both paths."""
    seen, of_additive = (weight.abs().amax(-1) > 0 for weight in experts.net.input_weights)
    assert torch.equal(seen, of_additive)
    return seen


@pytest.mark.parametrize("mixed", [True, False])
def test_experts_take_the_combinations_of_views_in_turn(mixed):
    experts = members(training_rows(), n_experts=6, feature_share=1.0, mixed_views=mixed)
    views = [set(experts.encoding.view_of_output[row].tolist()) for row in inputs_seen(experts)]
    combinations = [set(VIEWS[expert % 4]) for expert in range(6)]
    assert views == (combinations if mixed else [{SCALED, PIECEWISE, NORMAL}] * 6)


def test_half_of_the_experts_see_all_that_neighbours_say():
    rows = replace(training_rows(), n_described=2)
    experts = members(rows, n_experts=8, feature_share=0.5)
    scaled = inputs_seen(experts)[:, experts.encoding.view_of_output == SCALED]  # (M, P)
    assert scaled[:, 2:].all(1).tolist() == [True, False, False, True] * 2
    assert scaled[:, 2:].any(1).tolist() == [True, False, False, True] * 2
    assert scaled[:, :2].sum(1).tolist() == [1] * 8


@torch.no_grad()
def test_out_of_bag_rows_are_judged_by_the_experts_that_had_not_drawn_them(monkeypatch):
    rows = training_rows()
    half = torch.arange(len(rows.y)) % 2 == 0
    halves = (half, ~half)  # of a group's first expert and of its second
    bags = [Bag(*((own & kind).nonzero().flatten() for kind in rows.kinds)) for own in halves]

    def fixed_bags(rows, n_experts, bootstrap, generator):
        return bags[:n_experts]

    def untrained(pools_of_experts, config, n_steps, generator, n_before):
        return torch.zeros(n_steps, len(pools_of_experts), 2, dtype=torch.int64)

    monkeypatch.setattr(experts_module, "draw_bags", fixed_bags)
    monkeypatch.setattr(experts_module, "expert_batches", untrained)
    committee, _, out_of_bag, _ = fit(rows)
    real = ~rows.synthetic
    each = committee.weight.unsqueeze(1) * torch.sigmoid(committee.members(rows.x))[:, real]  # (M, N)
    first, second = each[:2].sum(0) / committee.weight[:2].sum(), each[2:].sum(0) / committee.weight[2:].sum()
    expected = torch.where(half[real], second, first)  # members 1 and 2 see bins, and 0 and 3 do not
    np.testing.assert_allclose(np.sort(out_of_bag.probability), np.sort(expected), rtol=1e-4)
    assert out_of_bag.y.sum() == 20
    np.testing.assert_allclose(out_of_bag.weight, 1)


@torch.no_grad()
@pytest.mark.parametrize("trusted", [0, 1])
def test_rows_that_were_not_drawn_decide_between_the_paths(trusted, monkeypatch):
    def opinions(rows, sample, groups, said):
        y = rows.y[sample].numpy()
        right, wrong = (
            Opinions(np.tile(np.abs(y - error), (4, 1)), np.ones((4, len(y)), bool), y, np.ones(len(y)))
            for error in (0.1, 0.8)
        )
        return [wrong, right] if trusted else [right, wrong]

    monkeypatch.setattr(experts_module, "_opinions", opinions)
    committee, _, out_of_bag, _ = fit(training_rows(), training=BRIEFLY)
    share = committee.members.net.additive_share
    assert (share > 0.4) if trusted else (share == pytest.approx(0.3))  # which ranks all rows right already
    error = share * (0.1 if trusted else 0.8) + (1 - share) * (0.8 if trusted else 0.1)
    np.testing.assert_allclose(np.abs(out_of_bag.probability - out_of_bag.y), error, rtol=1e-5)


def test_members_that_rank_the_rows_they_have_not_drawn_well_weigh_more():
    rows = training_rows(shift=0.7)
    committee, *_ = fit(rows, n_experts=8, feature_share=0.25, mixed_views=False, selectivity=5.0)
    sees_signal = inputs_seen(committee.members)[:, committee.members.encoding.feature_of_output < 2].any(1)
    assert 0 < sees_signal.sum() < 8
    assert committee.weight[sees_signal].min() > committee.weight[~sees_signal].max()
    assert committee.weight.sum() == pytest.approx(1)


@torch.no_grad()
def test_the_penalty_holds_the_additive_path_small_and_leaves_the_blocks_alone():
    paths = []
    for penalty in (0.0, 100.0):
        mamba = experts_config().mamba.model_copy(update={"additive": AdditiveConfig(penalty=penalty)})
        paths.append(members(training_rows(), mamba=mamba).paths(training_rows().x))
    (deep, additive), (other_deep, smaller) = paths
    torch.testing.assert_close(deep, other_deep)
    assert smaller.std() < 0.5 * additive.std()


@torch.no_grad()
def test_without_an_additive_path_the_blocks_decide():
    mamba = experts_config().mamba.model_copy(update={"additive": None})
    committee, _, out_of_bag, _ = fit(training_rows(), mamba=mamba)
    experts = committee.members
    assert torch.equal(experts(training_rows().x), experts.paths(training_rows().x)[0])
    assert len(out_of_bag.y)


def test_where_rows_are_sampled_to_be_judged_each_stands_for_many(monkeypatch):
    monkeypatch.setattr(experts_module, "MAX_OUT_OF_BAG", 10)
    out_of_bag = fit(training_rows(), training=BRIEFLY).out_of_bag
    assert set(out_of_bag.weight[out_of_bag.y == 0]) == {8.0}
    assert set(out_of_bag.weight[out_of_bag.y == 1]) == {2.0}


def test_without_bags_there_are_no_rows_outside_them():
    out_of_bag = fit(training_rows(), bootstrap=False, training=BRIEFLY).out_of_bag
    assert len(out_of_bag.y) == 0


def test_the_number_of_threads_does_not_change_a_bit(set_num_threads):
    outputs = []
    for n_threads in (1, 3):
        set_num_threads(n_threads)
        outputs.append(fit(training_rows(), n_experts=12)[0].state_dict())
    assert all(torch.equal(outputs[0][name], outputs[1][name]) for name in outputs[0])


def test_bagging_makes_the_experts_differ_more():
    rows = training_rows(shift=0.5)
    alike = {"feature_share": 1.0, "mixed_views": False, "cluster_share": 0.0}
    spread = [members(rows, bootstrap=b, **alike)(rows.x.expand(4, -1, -1)).std(0).mean() for b in (False, True)]
    assert spread[1] > 1.1 * spread[0]


def test_at_least_one_feature_is_seen():
    rows = training_rows()
    experts = members(rows, feature_share=0.01)
    weight = experts.net.tokens.projection.weight  # (M, d_model, F)
    assert ((weight != 0).any(1).sum(1) >= 1).all()


def test_rows_of_weight_zero_are_not_learnt():
    rows = training_rows()
    rows.weight[rows.synthetic] = 0
    changed = training_rows()
    changed.weight[changed.synthetic] = 0
    changed.x[changed.synthetic] = 100
    encoding = PiecewiseLinearEncoding.fit(rows.x.numpy(), 2)
    config = experts_config(mixup=0.0)
    both = [
        fit_experts(r, CLUSTERS[:4], encoding, config, torch.Generator().manual_seed(0))[0].members
        for r in (rows, changed)
    ]
    torch.testing.assert_close(*(e(rows.x.expand(4, -1, -1)) for e in both))


def test_fitting_is_reproducible_and_leaves_global_state_alone():
    rows = training_rows()
    before = torch.get_rng_state()
    short = experts_config().training.model_copy(update={"max_steps": 5})
    outputs = [members(rows, seed, training=short)(rows.x) for seed in (0, 0, 1)]
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2])


@pytest.mark.parametrize("max_steps", [1, 2, 27])
def test_budget_is_kept(max_steps):
    budget = experts_config().training.model_copy(update={"max_steps": max_steps})
    history = fit(training_rows(), training=budget).history
    assert history[-1]["step"] == max_steps


def test_experts_learn_from_blurred_descriptions(monkeypatch):
    rows = replace(training_rows(), n_described=2)
    blurred = []

    def blur(x, n_described, noise, generator):
        blurred.append((n_described, noise))
        return x

    monkeypatch.setattr(experts_module, "blur_described", blur)
    fit(rows, neighbours=NeighboursConfig(min_rows=10, noise=0.6), training=BRIEFLY)
    assert blurred
    assert set(blurred) == {(2, 0.6 * 10 / N_NORMAL)}  # two columns are about normal rows alone
