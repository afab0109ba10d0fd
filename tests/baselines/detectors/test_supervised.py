import math

import numpy as np
import pytest
import torch
from torch import nn

from swift_hydra_kedro.baselines.detectors import supervised
from swift_hydra_kedro.baselines.detectors.supervised import SupervisedNetwork, balanced_loss, hold_out, step


class Members(SupervisedNetwork):
    """Three logistic regressions side by side."""

    def _network(self, x):
        return nn.Linear(x.shape[1], 3)

    def _numbers_per_row(self, n_features):
        return 3000 * n_features


def table(n=200, n_anomalies=50, n_features=2):
    x = np.random.default_rng(0).normal(size=(n, n_features))
    y = (np.arange(n) < n_anomalies).astype(int)
    return x + y[:, None], y


def test_a_fifth_of_each_class_is_held_out(generator):
    y = (torch.arange(200) % 4 == 0).float()
    kept, held_out = hold_out(y, generator)
    assert sorted([*kept.tolist(), *held_out.tolist()]) == list(range(200))
    assert y[held_out].sum() == 10
    assert (1 - y[held_out]).sum() == 30


def test_of_large_classes_512_rows_are_held_out(generator):
    y = (torch.arange(10_000) < 100).float()
    _, held_out = hold_out(y, generator)
    assert torch.bincount(y[held_out].long()).tolist() == [512, 20]


@pytest.mark.parametrize(("n_anomalies", "n_held_out"), [(1, 0), (24, 0), (25, 40)])
def test_with_few_anomalies_none_is_held_out(generator, n_anomalies, n_held_out):
    kept, held_out = hold_out((torch.arange(200) < n_anomalies).float(), generator)
    assert (len(kept), len(held_out)) == (200 - n_held_out, n_held_out)


def test_both_classes_count_alike_in_the_balanced_loss():
    probability = torch.tensor([0.1, 0.4, 0.7, 0.9], dtype=torch.double)
    expected = (-(math.log(0.9) + math.log(0.6) + math.log(0.3)) / 3 - math.log(0.9)) / 2
    assert balanced_loss(probability, torch.tensor([0.0, 0, 0, 1])) == pytest.approx(expected)


def test_a_step_moves_each_weight_of_each_member_by_the_learning_rate_against_its_own_gradient():
    network = nn.Linear(2, 3)
    before, bias = network.weight.detach().clone(), network.bias.detach().clone()
    x, y = torch.randn(8, 2), (torch.arange(8) < 4).float()
    error = torch.sigmoid(x @ before.T + bias) - y.unsqueeze(1)  # (B, K)
    gradient = error.T @ x
    step(network, torch.optim.AdamW(network.parameters(), lr=0.01, weight_decay=0.1), x, y)
    expected = before * (1 - 0.01 * 0.1) - 0.01 * gradient.sign()  # Adam's first step: all of equal length
    torch.testing.assert_close(network.weight.detach(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("far", [1.0, 1e6])
def test_long_gradients_are_shortened(far):
    network = nn.Linear(2, 1)
    step(network, torch.optim.SGD(network.parameters(), lr=0.0), far * torch.ones(4, 2), torch.tensor([0.0, 1, 0, 1]))
    length = torch.cat([p.grad.flatten() for p in network.parameters()]).norm()
    assert length <= 1.0001


def test_the_best_state_is_kept_and_training_ends_after_five_worse_ones(monkeypatch):
    detector = Members(random_state=0, learning_rate=0.1)
    losses, states = iter([3.0, 1.0, 2.0, 2.0, 1.5, 2.0, 2.0, 0.5]), []

    def scripted(probability, y):
        states.append(copy_of(detector.network_))
        return next(losses)

    monkeypatch.setattr(supervised, "balanced_loss", scripted)
    detector.fit(*table())
    assert detector.held_out_losses_ == [3.0, 1.0, 2.0, 2.0, 1.5, 2.0, 2.0]
    assert torch.equal(copy_of(detector.network_), states[1])
    assert not torch.equal(states[1], states[-1])


def copy_of(network):
    return torch.cat([p.detach().flatten().clone() for p in network.parameters()])


def test_the_losses_are_those_of_rows_not_trained_on(monkeypatch):
    trained, tried = set(), []
    monkeypatch.setattr(supervised, "step", lambda network, optimiser, x, y: trained.update(x[:, 0].tolist()))
    scorer = Members._score
    monkeypatch.setattr(Members, "_score", lambda self, x: tried.append(x[:, 0].tolist()) or scorer(self, x))
    Members(random_state=0).fit(*table())
    assert len(tried[0]) == 40
    assert not trained & set(tried[0])


@pytest.mark.parametrize(
    ("n", "settings", "steps"),
    [(30, {"batch_size": 64}, 100), (300, {"batch_size": 64}, 250), (300, {"batch_size": 64, "max_steps": 120}, 120)],
)
def test_steps_are_bounded_on_both_sides(monkeypatch, n, settings, steps):
    seen = []
    monkeypatch.setattr(supervised, "step", lambda network, optimiser, x, y: seen.append(y))
    Members(random_state=0, **settings).fit(*table(n, 3))
    assert len(seen) == steps
    assert all(y.mean() == 0.5 for y in seen)


@pytest.mark.parametrize(
    ("n_rows", "n_features", "size"), [(200, 3, 128), (200, 30, 46), (200, 100, 16), (20, 3, 20), (20, 100, 16)]
)
def test_wide_or_short_tables_have_smaller_batches(monkeypatch, n_rows, n_features, size):
    seen = []
    monkeypatch.setattr(supervised, "step", lambda network, optimiser, x, y: seen.append(len(x)))
    Members(random_state=0, max_steps=2).fit(*table(n_rows, 2, n_features))
    assert seen == [size] * 2


def test_the_score_is_the_mean_of_the_members_probabilities():
    x, y = table()
    detector = Members(random_state=0, max_steps=20).fit(x, y)
    weight, bias = (p.detach().double().numpy() for p in detector.network_.parameters())
    expected = (1 / (1 + np.exp(-(x @ weight.T + bias)))).mean(axis=1)
    actual = detector.decision_function(x) + detector.offset_
    np.testing.assert_allclose(actual, expected, atol=1e-6)
    assert 0 <= actual.min() < actual.max() <= 1


@pytest.mark.parametrize(
    "settings", [{"max_steps": 0}, {"batch_size": 1}, {"learning_rate": -1}, {"weight_decay": -1}, {"device": "tpu"}]
)
def test_impossible_settings_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings)) + "|Invalid"):
        Members(**settings).fit(*table())
