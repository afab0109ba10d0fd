import numpy as np
import pytest
import torch
from sklearn.utils.estimator_checks import parametrize_with_checks

from swift_hydra_kedro.baselines.detectors import dev_net
from swift_hydra_kedro.baselines.detectors.dev_net import DevNet, deviation_loss

STANDARD = torch.tensor([-1.0, 0.0, 1.0])  # mean 0, standard deviation 1


@parametrize_with_checks([DevNet(n_steps=100, batch_size=32, device="cpu", random_state=0)])
def test_keeps_scikit_learns_rules(estimator, check):
    check(estimator)


def loss(scores, labels, reference=STANDARD):
    return deviation_loss(torch.tensor(scores), torch.tensor(labels), reference).item()


def test_loss_in_closed_form():
    reference = torch.tensor([1.0, 3.0, 5.0])  # mean 3, standard deviation 2
    # Deviations 2 and -1 of unlabelled rows, 1 of an anomaly, which lacks 4
    assert loss([7.0, 1.0, 5.0], [0.0, 0.0, 1.0], reference) == pytest.approx((2 + 1 + 4) / 3)


@pytest.mark.parametrize("score", [5.0, 6.0, 100.0])
def test_unlabelled_rows_at_the_mean_and_anomalies_five_deviations_above_cost_nothing(score):
    assert loss([0.0, score], [0.0, 1.0]) == 0


@pytest.mark.parametrize(("scores", "labels"), [([0.1], [0.0]), ([-0.1], [0.0]), ([4.9], [1.0])])
def test_other_scores_cost_their_distance(scores, labels):
    assert loss(scores, labels) == pytest.approx(0.1)


def test_training_brings_scores_to_where_the_loss_wants_them():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(400, 3)), (np.arange(400) < 20).astype(int)
    x[y == 1] += 6
    detector = DevNet(device="cpu", random_state=0).fit(x, y)
    scores = detector.decision_function(x) + detector.offset_
    assert abs(np.median(scores[y == 0])) < 0.5
    assert np.median(scores[y == 1]) > 4.5


def test_the_hidden_layer_s_weights_are_penalised(monkeypatch):
    losses = []
    monkeypatch.setattr(dev_net, "deviation_loss", lambda score, label, reference: torch.zeros(()))
    monkeypatch.setattr(dev_net, "minimise", lambda steps, optimiser: losses.extend(map(float, steps)))
    rng = np.random.default_rng(0)
    detector = DevNet(n_steps=2, device="cpu", random_state=0).fit(rng.normal(size=(40, 3)), np.arange(40) < 4)
    assert losses == pytest.approx(2 * [0.01 * float(detector.network_[0].weight.detach().square().sum())])
