import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score

from swift_hydra_kedro.detection.experts import _BestStates, fit_experts
from swift_hydra_kedro.models.encoding import PiecewiseLinearEncoding

from .toy import experts_config, training_rows

CLUSTERS = np.array([0, 1, 2, 0])


def fit(rows, seed=0, **settings):
    config = experts_config(**settings)
    encoding = PiecewiseLinearEncoding.fit(rows.x.numpy(), config.mamba.bins)
    return fit_experts(rows, CLUSTERS, encoding, config, torch.Generator().manual_seed(seed))


@torch.no_grad()
def held_out_losses(experts, rows):
    """Class-balanced loss of each expert on its own fold, row by row."""
    logits = experts(rows.x.expand(4, -1, -1))
    losses = []
    for expert in range(4):
        of_class = [(rows.fold == expert) & (rows.y == label) for label in (0, 1)]
        both = [F.binary_cross_entropy_with_logits(logits[expert, at], rows.y[at]) for at in of_class]
        losses.append(float(sum(both) / 2))
    return losses


@pytest.fixture(scope="module")
def fitted():
    rows = training_rows()
    return rows, *fit(rows, feature_share=1.0)


@torch.no_grad()
def test_every_expert_learns_a_separable_table(fitted):
    rows, experts, _ = fitted
    scores = experts(rows.x.expand(4, -1, -1))
    assert all(roc_auc_score(rows.y, score) > 0.97 for score in scores)


def test_history_tells_step_loss_and_held_out_loss(fitted):
    _, _, history = fitted
    assert history[0].keys() == {"step", "loss", "held_out_loss"}
    assert history[-1]["step"] == 60
    assert history[-1]["loss"] < history[0]["loss"]
    assert all(np.isfinite(list(row.values())).all() for row in history)


def test_each_expert_keeps_its_best_held_out_state():
    rows = training_rows(shift=0.5)  # overlapping classes: a long training overfits
    steep = experts_config().training.model_copy(update={"learning_rate": 0.1})
    experts, history = fit(rows, training=steep, mixup=0.0)
    kept = np.mean(held_out_losses(experts, rows))
    losses = [row["held_out_loss"] for row in history]
    assert kept <= min(losses) + 1e-5
    assert kept < losses[-1] - 0.05


def test_reported_held_out_loss_is_class_balanced():
    rows = training_rows()
    rows.fold[:7] = 1  # folds of different sizes
    once = experts_config().training.model_copy(update={"max_steps": 1})
    experts, history = fit(rows, training=once)
    assert history[0]["held_out_loss"] == pytest.approx(np.mean(held_out_losses(experts, rows)), rel=1e-4)


def test_without_folds_the_last_state_stays_and_there_is_no_held_out_loss():
    rows = training_rows(folds=None)
    experts, history = fit(rows, feature_share=1.0)
    assert all(np.isnan(row["held_out_loss"]) for row in history)
    with torch.no_grad():
        assert roc_auc_score(rows.y, experts(rows.x.expand(4, -1, -1)).mean(0)) > 0.97


@pytest.mark.parametrize(("folds", "n_seen"), [(5, 3), (None, 2)])
def test_each_expert_sees_its_share_of_the_features_alone(folds, n_seen):
    rows = training_rows(folds=folds)
    experts, _ = fit(rows, feature_share=0.75, few_anomalies_feature_share=0.5)
    base = experts(rows.x.expand(4, -1, -1))
    changes = []
    for feature in range(4):
        x = rows.x.clone()
        x[:, feature] += 1
        changes.append((experts(x.expand(4, -1, -1)) - base).abs().amax(1) > 0)
    seen = torch.stack(changes, dim=1)  # (M, P)
    assert (seen.sum(1) == n_seen).all()
    assert len(seen.unique(dim=0)) > 1


def test_at_least_one_feature_is_seen():
    rows = training_rows()
    experts, _ = fit(rows, feature_share=0.01)
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
    both = [fit_experts(r, CLUSTERS, encoding, config, torch.Generator().manual_seed(0))[0] for r in (rows, changed)]
    torch.testing.assert_close(*(e(rows.x.expand(4, -1, -1)) for e in both))


def test_fitting_is_reproducible_and_leaves_global_state_alone():
    rows = training_rows()
    before = torch.get_rng_state()
    short = experts_config().training.model_copy(update={"max_steps": 5})
    outputs = [fit(rows, seed, training=short)[0](rows.x.expand(4, -1, -1)) for seed in (0, 0, 1)]
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2])


@pytest.mark.parametrize("max_steps", [1, 2, 27])
def test_budget_is_kept(max_steps):
    budget = experts_config().training.model_copy(update={"max_steps": max_steps})
    _, history = fit(training_rows(), training=budget)
    assert history[-1]["step"] == max_steps


def test_a_state_that_gives_no_loss_is_never_the_best():
    rows = training_rows()
    experts, _ = fit(rows, training=experts_config().training.model_copy(update={"max_steps": 1}))
    expected = experts.net.output.bias.detach().clone()
    best = _BestStates(experts)
    best.update(experts, torch.ones(4))
    with torch.no_grad():
        experts.net.output.bias.fill_(torch.nan)
    best.update(experts, torch.full((4,), torch.nan))
    best.restore(experts)
    assert torch.equal(experts.net.output.bias, expected)
