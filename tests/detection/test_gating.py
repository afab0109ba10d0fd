import copy
import math
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score

from swift_hydra_kedro.detection.experts import fit_experts
from swift_hydra_kedro.detection.gating import _Batch, _Phase, fit_mixture
from swift_hydra_kedro.detection.rows import TrainingRows
from swift_hydra_kedro.models.committee import Committee
from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.encoding import PiecewiseLinearEncoding
from swift_hydra_kedro.models.mome import MixtureOfExperts, NoisyTopKGate

from .toy import CONFIG, TRAINING, gate_config, training_rows


def untrained(rows, n_experts=4):
    encoding = PiecewiseLinearEncoding.fit(rows.x.numpy(), CONFIG.experts.mamba.bins)
    return Committee(MambaDetector(encoding, CONFIG.experts.mamba, (n_experts,)))


def trained(rows, n_experts=4):
    settings = CONFIG.experts.model_copy(update={"n_experts": n_experts})
    encoding = PiecewiseLinearEncoding.fit(rows.x.numpy(), settings.mamba.bins)
    return fit_experts(rows, np.arange(n_experts) % 3, encoding, settings, torch.Generator().manual_seed(0))[0]


def specialists(rows):
    """Two sure experts: one calls everything an anomaly, the other nothing."""
    experts = untrained(rows, 2)
    with torch.no_grad():
        experts.members.net.output.weight.zero_()
        experts.members.net.output.bias.copy_(torch.tensor([[4.0], [-4.0]]))
    return experts


def config_for_two(**settings):
    training = TRAINING.model_copy(update={"learning_rate": 0.1, "max_steps": 120})
    config = gate_config(joint_training=None, training=training, distil=False, **settings)
    return config.model_copy(update={"experts": config.experts.model_copy(update={"n_experts": 2})})


def weights(module):
    return torch.cat([p.detach().flatten() for p in module.parameters()])


def spread(mixture, x, noise=None):
    """Gate's weights over all experts, `(B, M)`."""
    kept, chosen = mixture.gate(x, noise)
    return torch.zeros(len(x), mixture.experts.stack[0]).scatter(1, chosen, kept.detach())


def fit(experts, rows, config=CONFIG, seed=0):
    return fit_mixture(experts, rows, config, torch.Generator().manual_seed(seed))


def test_gate_learns_to_send_each_row_to_the_expert_that_knows_it():
    rows = training_rows()
    rows.x[:, :2] -= 1  # the gate is linear without a bias: classes on both sides of the origin
    mixture, _ = fit(specialists(rows), rows, config_for_two(balance_weight=0.0))
    scores = mixture(rows.x).detach()
    assert ((scores > 0.5) == (rows.y > 0.5)).float().mean() > 0.95


def test_experts_stay_fixed_while_the_gate_is_trained():
    rows = training_rows()
    experts = untrained(rows)
    before = weights(experts.experts(4))
    mixture, history = fit(experts, rows, gate_config(joint_training=None))
    assert torch.equal(weights(mixture.experts), before)
    assert {row["phase"] for row in history} == {"gate"}


def test_joint_training_leads_the_mixture_to_the_mean_of_the_committee():
    rows = training_rows(shift=0.7)
    experts = trained(rows)
    with torch.no_grad():
        mean = experts(rows.x)
    distances = []
    for joint in (None, CONFIG.gate.joint_training.model_copy(update={"max_steps": 60})):
        mixture, history = fit(copy.deepcopy(experts), rows, gate_config(joint_training=joint))
        distances.append(float((mixture(rows.x) - mean).detach().abs().mean()))
    assert [row["phase"] for row in history[-10:]] == ["joint"] * 10
    assert distances[1] < 0.75 * distances[0]


def test_the_experts_are_the_first_members_and_learn_from_all_of_them():
    rows = training_rows(shift=0.7)
    committee = trained(rows, 8)
    with torch.no_grad():  # those that are no experts turn the scores upside down
        committee.members.net.output.weight[4:] *= -1
        committee.weight.copy_(torch.tensor([0.02] * 4 + [0.23] * 4))
    fixed, _ = fit(committee, rows, gate_config(joint_training=None))
    assert torch.equal(weights(fixed.experts), weights(committee.experts(4)))
    longer = CONFIG.gate.joint_training.model_copy(update={"max_steps": 100})
    mixture, _ = fit(committee, rows, gate_config(joint_training=longer))
    with torch.no_grad():
        target = committee(rows.x)
        assert (mixture(rows.x) - target).abs().mean() < 0.5 * (fixed(rows.x) - target).abs().mean()


def test_distillation_draws_the_experts_together():
    rows = training_rows(shift=0.7)
    disagreements = []
    joint = CONFIG.gate.joint_training.model_copy(update={"max_steps": 60})
    for expert_weight in (0.0, 20.0):
        mixture, _ = fit(trained(rows), rows, gate_config(joint_training=joint, expert_weight=expert_weight))
        disagreements.append(float(mixture.all_probabilities(rows.x).detach().std(0).mean()))
    assert disagreements[1] < 0.7 * disagreements[0]


@pytest.mark.parametrize("focus", [0.0, 0.5, 1.0])
def test_experts_own_loss_counts_evenly_but_for_its_focus_on_the_rows_they_are_given(focus):
    rows, experts, losses = training_rows(), trained(training_rows()), []
    for expert_weight in (0.0, 3.0):
        config = gate_config(distil=False, focus=focus, expert_weight=expert_weight)
        gate = NoisyTopKGate(4, 4, 2)
        torch.nn.init.zeros_(gate.score.weight)
        mixture = MixtureOfExperts(experts.members, gate)
        phase = _Phase(mixture, None, rows, config, torch.Generator().manual_seed(0), False)
        losses.append(phase._loss(_Batch(rows.x, rows.y, rows.weight), with_experts=True).detach())
    noise = torch.randn(len(rows.x), 4, generator=torch.Generator().manual_seed(0))
    given = spread(mixture, rows.x, noise)
    each = mixture.all_probabilities(rows.x).detach()  # (M, N)
    own = F.binary_cross_entropy(each, rows.y.expand_as(each), reduction="none").T  # (N, M)
    expected = 3.0 * ((1 - focus) * own.mean(1) + focus * (given * own).sum(1)).mean()
    torch.testing.assert_close(losses[1] - losses[0], expected)


@pytest.mark.parametrize(("distil", "share"), [(True, 0.5), (False, 1.0)])
def test_noise_reaches_half_of_the_rows_where_there_is_something_to_distil(monkeypatch, distil, share):
    rows, seen = training_rows(), []
    forward = MixtureOfExperts.all_probabilities
    monkeypatch.setattr(MixtureOfExperts, "all_probabilities", lambda self, x: seen.append(x) or forward(self, x))
    still = CONFIG.experts.model_copy(update={"mixup": 0.0})
    fit(untrained(rows), rows, gate_config(jitter=1.0, distil=distil).model_copy(update={"experts": still}))
    known = {tuple(row) for row in rows.x.tolist()}
    assert {np.mean([tuple(row) in known for row in x.tolist()]) for x in seen} == {share}


def batches_of(rows, distil, n_steps, config=CONFIG):
    committee = untrained(rows)
    mixture = MixtureOfExperts(committee.experts(4), NoisyTopKGate(4, 4, 2))
    teacher = committee if distil else None
    phase = _Phase(mixture, teacher, rows, config, torch.Generator().manual_seed(0), False)
    return list(phase._batches(32, n_steps)), committee


@torch.no_grad()
def test_what_the_committee_says_of_a_row_is_learnt_several_times_in_different_company():
    drawn, committee = batches_of(training_rows(), distil=True, n_steps=16)
    assert len(drawn) == 16
    for batch in drawn:
        torch.testing.assert_close(batch.y, committee(batch.x))
    rows, times = torch.cat([batch.x for batch in drawn]).unique(dim=0, return_counts=True)
    assert len(rows) == 4 * 32
    assert (times == 4).all()
    assert len({tuple(batch.y.tolist()) for batch in drawn}) > 4  # not the same batches again


@torch.no_grad()
def test_some_rows_get_little_noise_and_some_as_much_as_the_jitter_says():
    rows = training_rows()
    rows.x[:] = 0
    config = gate_config(jitter=3.0)
    drawn, _ = batches_of(rows, distil=True, n_steps=40, config=config)
    spread = torch.cat([batch.x[::2] for batch in drawn]).square().mean(1).sqrt()
    assert spread.min() < 0.1
    assert float(spread.square().mean().sqrt()) == pytest.approx(3 / math.sqrt(3), rel=0.15)  # of a uniform scale


def test_half_of_each_batch_are_anomalies():
    still = CONFIG.model_copy(update={"experts": CONFIG.experts.model_copy(update={"mixup": 0.0})})
    drawn, _ = batches_of(training_rows(), distil=False, n_steps=5, config=still)
    assert len(drawn) == 5
    assert [float(batch.y.mean()) for batch in drawn] == [0.5] * 5


def test_without_distillation_the_joint_training_learns_the_labels():
    rows = training_rows()
    mixture, _ = fit(untrained(rows), rows, gate_config(distil=False))
    with torch.no_grad():
        assert roc_auc_score(rows.y, mixture(rows.x)) > 0.95


def test_balance_weight_spreads_the_rows_over_the_experts():
    rows = training_rows()
    shares = []
    for balance_weight in (0.0, 5.0):
        experts = specialists(rows)
        with torch.no_grad():
            experts.members.net.output.bias[1] = 0  # half of the rows are normal: an expert in doubt is the better one
        rows.y[:], rows.synthetic[:] = 1, False
        rows.y[:50] = 0
        rows.x[:, 0] = 1  # by which the gate can favour an expert on all rows
        mixture, _ = fit(experts, rows, config_for_two(balance_weight=balance_weight))
        shares.append(float(spread(mixture, rows.x).mean(0).max()))
    assert shares[0] > 0.65
    assert shares[1] < 0.55


def test_rows_as_they_come_are_balanced_not_those_of_the_batches():
    n = 400
    y = (torch.arange(n) >= n - 10).float()
    x = 0.1 * torch.randn(n, 4, generator=torch.Generator().manual_seed(0))
    x[:, 0] += 1 + y
    ones = torch.ones(n)
    rows = TrainingRows(x, y, ones, torch.zeros(n, dtype=torch.int64), torch.zeros(n, dtype=torch.bool))
    busiest = []
    for balance_weight in (0.0, 0.1):
        mixture, history = fit(trained(rows), rows, gate_config(balance_weight=balance_weight))
        busiest.append(float(spread(mixture, x).mean(0).max()))
        assert history[-1]["largest_share"] == pytest.approx(busiest[-1], abs=0.1)
    assert busiest[1] < min(0.4, busiest[0])


def test_trained_mixture_still_uses_k_experts_with_weights_that_sum_to_one():
    rows = training_rows()
    mixture, _ = fit(untrained(rows), rows)
    shares = spread(mixture, rows.x)
    assert ((shares > 0).sum(1) == 2).all()
    torch.testing.assert_close(shares.sum(1), torch.ones(len(rows.x)))
    assert not mixture.training


def test_history_tells_the_largest_share_that_one_expert_gets():
    rows = training_rows()
    _, history = fit(untrained(rows), rows)
    assert len(history) == 20
    for row in history:
        assert row.keys() == {"phase", "step", "loss", "largest_share"}
        assert 0.25 <= row["largest_share"] <= 1
        assert np.isfinite(row["loss"])


def test_fitting_is_reproducible_and_leaves_global_state_alone():
    rows, outputs = training_rows(), []
    before = torch.get_rng_state()
    config = CONFIG.experts.model_copy(update={"training": TRAINING.model_copy(update={"max_steps": 5})})
    encoding = PiecewiseLinearEncoding.fit(rows.x.numpy(), 2)
    for seed in (0, 0, 1):
        experts = fit_experts(rows, np.zeros(4, int), encoding, config, torch.Generator().manual_seed(7)).committee
        outputs.append(fit(experts, rows, seed=seed)[0](rows.x))
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2])
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("top_k", [1, 4])
def test_any_number_of_experts_per_row_can_be_trained(top_k):
    rows = training_rows()
    mixture, _ = fit(trained(rows), rows, gate_config(top_k=top_k))
    scores = mixture(rows.x).detach()
    assert roc_auc_score(rows.y, scores) > 0.9


def test_a_single_expert_can_be_trained():
    rows = training_rows()
    config = gate_config(top_k=1)
    config = config.model_copy(update={"experts": config.experts.model_copy(update={"n_experts": 1})})
    mixture, _ = fit(trained(rows, 1), rows, config)
    with torch.no_grad():
        assert roc_auc_score(rows.y, mixture(rows.x)) > 0.9


def test_the_gate_learns_even_where_each_row_uses_one_expert():
    rows = training_rows()
    rows.x[:, :2] -= 1  # the gate is linear without a bias: classes on both sides of the origin
    mixture, _ = fit(specialists(rows), rows, config_for_two(top_k=1, balance_weight=0.0))
    assert ((mixture(rows.x).detach() > 0.5) == (rows.y > 0.5)).float().mean() > 0.95


def test_joint_training_lifts_the_random_subspaces():
    rows = training_rows()
    encoding = PiecewiseLinearEncoding.fit(rows.x.numpy(), 0)
    settings = CONFIG.experts.model_copy(update={"feature_share": 0.25})
    experts = fit_experts(rows, np.zeros(4, int), encoding, settings, torch.Generator().manual_seed(0)).committee
    unseen = (experts.members.net.tokens.projection.weight == 0).all(1)  # (M, P)
    assert unseen.float().mean() == 0.75
    mixture, _ = fit(experts, rows)
    assert (mixture.experts.net.tokens.projection.weight != 0).all()


def test_training_raises_no_warning():
    rows = training_rows()
    torch.set_warn_always(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fit(untrained(rows), rows)
    finally:
        torch.set_warn_always(False)
