import numpy as np
import pytest
import torch
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

from swift_hydra_kedro.baselines.detectors import deep_sad
from swift_hydra_kedro.baselines.detectors.deep_sad import DeepSAD, centre_of, sad_loss


@parametrize_with_checks([DeepSAD(n_steps=30, batch_size=32, device="cpu", random_state=0)])
def test_keeps_scikit_learns_rules(estimator, check):
    check(estimator)


def test_loss_in_closed_form():
    distance, label = torch.tensor([4.0, 0.5, 0.25]), torch.tensor([0.0, 0.0, 1.0])
    assert sad_loss(distance, label).item() == pytest.approx((4 + 0.5 + 1 / 0.25) / 3, rel=1e-4)


def test_loss_pulls_unlabelled_rows_to_the_centre_and_pushes_anomalies_away():
    distance = torch.tensor([1.0, 1.0], requires_grad=True)
    sad_loss(distance, torch.tensor([0.0, 1.0])).backward()
    np.testing.assert_allclose(distance.grad, [0.5, -0.5], rtol=1e-4)


def test_an_anomaly_at_the_centre_costs_a_finite_loss():
    assert torch.isfinite(sad_loss(torch.zeros(1), torch.ones(1)))


def test_the_centre_is_the_mean_code_off_the_origin():
    codes = torch.tensor([[1.0, 0.05, -0.25, 0.0], [3.0, 0.09, 0.15, 0.0]])
    torch.testing.assert_close(centre_of(codes), torch.tensor([2.0, 0.1, -0.1, 0.1]))


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(400, 3)), (np.arange(400) < 20).astype(int)
    x[y == 1] += 6
    return x, y


def test_a_score_is_the_distance_of_the_code_from_the_centre(table):
    detector = DeepSAD(n_steps=20, device="cpu", random_state=0).fit(*table)
    codes = detector.encoder_(torch.as_tensor(table[0], dtype=torch.float32)).detach().double()
    expected = np.linalg.norm(codes - detector.centre_, axis=1)
    np.testing.assert_allclose(detector.decision_function(table[0]) + detector.offset_, expected, rtol=1e-5)


def test_unlabelled_rows_lie_closer_to_the_centre(table):
    x, y = table
    detector = DeepSAD(n_steps=200, device="cpu", random_state=0).fit(x, y)
    scores = detector.decision_function(x) + detector.offset_
    assert np.median(scores[y == 1]) > 3 * np.median(scores[y == 0])


def test_no_layer_has_a_bias(table):
    detector = DeepSAD(n_steps=3, device="cpu", random_state=0).fit(*table)
    assert {type(layer) for layer in detector.encoder_} == {nn.Linear, nn.BatchNorm1d, nn.LeakyReLU}
    assert all(getattr(layer, "bias", None) is None for layer in detector.encoder_)


@pytest.mark.parametrize(("n_features", "widths"), [(3, [32, 16, 8]), (274, [128, 64, 32])])
def test_widths_are_the_papers(n_features, widths):
    x = np.random.default_rng(0).normal(size=(30, n_features))
    detector = DeepSAD(n_steps=3, device="cpu", random_state=0).fit(x, np.arange(30) == 0)
    assert [layer.out_features for layer in detector.encoder_ if isinstance(layer, nn.Linear)] == widths


def test_the_centre_is_that_of_unlabelled_rows(table):
    x, y = table
    detector = DeepSAD(n_steps=0, device="cpu", random_state=0).fit(x, y)
    codes = detector.encoder_(torch.as_tensor(x[y == 0], dtype=torch.float32)).detach()
    torch.testing.assert_close(detector.centre_, centre_of(codes))


def test_the_autoencoder_is_trained_first_and_all_weights_decay(table, monkeypatch):
    phases = []

    def noted(losses, optimiser):
        (group,) = optimiser.param_groups
        phases.append((len(list(losses)), group["lr"], len(group["params"]), group["weight_decay"]))

    monkeypatch.setattr(deep_sad, "minimise", noted)
    DeepSAD(n_steps=30, device="cpu", random_state=0).fit(*table)
    encoder, both = 3, 6  # layers
    assert phases == [
        (10, 1e-3, both, 1e-6),
        (20, 1e-4, both, 1e-6),
        (10, 1e-3, encoder, 1e-6),
        (20, 1e-4, encoder, 1e-6),
    ]
