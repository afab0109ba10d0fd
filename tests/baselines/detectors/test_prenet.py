import numpy as np
import pytest
import torch
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

from swift_hydra_kedro.baselines.detectors import prenet
from swift_hydra_kedro.baselines.detectors.prenet import HIDDEN, PReNet, draw_pairs


@parametrize_with_checks([PReNet(n_steps=60, batch_size=32, device="cpu", random_state=0)])
def test_keeps_scikit_learns_rules(estimator, check):
    check(estimator)


@pytest.mark.parametrize("batch_size", [1, 7, 32])
def test_each_pairs_target_is_four_for_each_anomaly_in_it(batch_size):
    label = torch.tensor([0.0, 1.0, 0.0, 0.0, 1.0])
    pairs, target = draw_pairs(label, 50, batch_size, torch.Generator().manual_seed(0))
    assert pairs.shape == (50, batch_size, 2)
    np.testing.assert_array_equal(4 * label[pairs].sum(-1), target.expand(50, -1))


def test_a_quarter_of_the_pairs_are_two_anomalies_and_a_quarter_one_that_comes_first():
    label = torch.tensor([0.0, 1.0, 0.0, 0.0, 1.0])
    pairs, target = draw_pairs(label, 1, 32, torch.Generator().manual_seed(0))
    assert torch.bincount((target / 4).long()).tolist() == [16, 8, 8]
    assert (label[pairs[0, target == 4]] == torch.tensor([1.0, 0.0])).all()


def test_every_row_is_drawn():
    pairs, _ = draw_pairs(torch.tensor([0.0, 1.0, 0.0, 0.0, 1.0]), 20, 32, torch.Generator().manual_seed(0))
    for slot in (0, 1):
        assert set(pairs[..., slot].flatten().tolist()) == {0, 1, 2, 3, 4}


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(400, 3)), (np.arange(400) < 20).astype(int)
    x[y == 1] += 6
    return x, y


def test_a_score_is_the_mean_prediction_over_pairs(table):
    detector = PReNet(n_steps=50, device="cpu", random_state=0).fit(*table)
    rows = torch.as_tensor(table[0][:9], dtype=torch.float32)
    anomalies, unlabelled = torch.rand(2, 30, HIDDEN, generator=torch.Generator().manual_seed(0))
    detector.partners_ = torch.stack([anomalies.mean(0), unlabelled.mean(0)])
    for row, score in zip(rows, detector._score(rows), strict=True):
        features = detector.features_(row)
        pairs = [torch.cat([partner, features]) for partner in anomalies]
        pairs += [torch.cat([features, partner]) for partner in unlabelled]
        slow = torch.stack([detector.relation_(pair) for pair in pairs]).mean()
        torch.testing.assert_close(score, slow)


def test_partners_are_of_their_kind(table):
    x, y = table
    x = np.where(y[:, None] == 1, 6.0, 0.0) + 0 * x  # two different rows only
    detector = PReNet(n_steps=5, device="cpu", random_state=0).fit(x, y)
    kinds = torch.tensor([[6.0] * 3, [0.0] * 3])
    torch.testing.assert_close(detector.partners_, detector.features_(kinds))


def test_training_brings_predictions_to_their_targets(table):
    x, y = table
    detector = PReNet(device="cpu", random_state=0).fit(x, y)
    scores = detector.decision_function(x) + detector.offset_
    assert np.median(scores[y == 0]) == pytest.approx((4 + 0) / 2, abs=0.5)
    assert np.median(scores[y == 1]) == pytest.approx((8 + 4) / 2, abs=0.5)


def test_the_hidden_layer_s_weights_are_penalised(monkeypatch):
    losses = []
    monkeypatch.setattr(nn.functional, "l1_loss", lambda predicted, target: torch.zeros(()))
    monkeypatch.setattr(prenet, "minimise", lambda steps, optimiser: losses.extend(map(float, steps)))
    rng = np.random.default_rng(0)
    detector = PReNet(n_steps=2, device="cpu", random_state=0).fit(rng.normal(size=(40, 3)), np.arange(40) < 4)
    assert losses == pytest.approx(2 * [0.01 * float(detector.features_[0].weight.detach().square().sum())])
