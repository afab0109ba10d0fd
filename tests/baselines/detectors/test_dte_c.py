import numpy as np
import pytest
import torch
from sklearn.utils.estimator_checks import parametrize_with_checks

from swift_hydra_kedro.baselines.detectors.dte_c import DiffusionTimeClassifier, noise_levels

QUICK = {"hidden": (8,), "max_steps": 5, "device": "cpu", "random_state": 0}


@parametrize_with_checks([DiffusionTimeClassifier(**QUICK)])
def test_keeps_scikit_learns_rules(estimator, check):
    check(estimator)


def test_noise_is_what_the_steps_of_the_diffusion_add_up_to():
    """Variances by the recursion of the steps, which shrink what is there and add their own."""
    variance, expected = 0.0, []
    for beta in np.linspace(1e-4, 0.01, 400):
        variance = (1 - beta) * variance + beta
        expected.append(variance**0.5)
    np.testing.assert_allclose(noise_levels(400), expected, rtol=1e-6)


def exact_expected_bin(x, x_train, n_bins=7):
    """By Bayes: the density of each row under the training rows with noise of each time, which are equally likely."""
    sigma = noise_levels(400).double().numpy()  # (T,)
    squared = ((x[:, None] - x_train) ** 2).sum(-1)  # (N, n)
    density = np.exp(-squared[:, None] / (2 * sigma[:, None] ** 2)).mean(-1) / sigma ** x.shape[1]  # (N, T)
    bins = np.arange(400) * n_bins // 400
    return density @ bins / density.sum(1)


@pytest.fixture(scope="module")
def few_rows():
    return np.random.default_rng(0).normal(size=(3, 4))


@pytest.fixture(scope="module")
def trained(few_rows):
    detector = DiffusionTimeClassifier(
        hidden=(64, 64),
        dropout=0,
        batch_size=1024,
        learning_rate=3e-3,
        weight_decay=0,
        epochs=1000,
        device="cpu",
        random_state=0,
    )
    return detector.fit(few_rows)


def test_the_expected_bin_is_that_of_the_exact_posterior(few_rows, trained):
    rng = np.random.default_rng(1)
    sigma = noise_levels(400).numpy()[rng.integers(400, size=300)]
    x = few_rows[rng.integers(3, size=300)] + sigma[:, None] * rng.normal(size=(300, 4))
    actual, expected = trained.decision_function(x), exact_expected_bin(x, few_rows)
    assert np.abs(actual - expected).mean() < 0.15
    assert np.corrcoef(actual, expected)[0, 1] > 0.99


def test_scores_rise_with_the_distance_and_stay_among_the_bins(few_rows, trained):
    steps = np.array([0, 0.3, 0.6, 1, 2, 1e5])
    scores = trained.decision_function(few_rows[0] - steps[:, None] * np.sign(few_rows.mean(0) - few_rows[0]))
    assert (np.diff(scores[:-1]) > 0).all()
    assert ((scores >= 0) & (scores <= 6)).all()


def test_score_is_the_mean_bin_of_the_networks_probabilities(few_rows, trained):
    logits = trained.network_(torch.tensor(few_rows, dtype=torch.float32)).detach().double().numpy()
    probability = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    expected = sum(number * probability[:, number] for number in range(7))
    np.testing.assert_allclose(trained.decision_function(few_rows), expected, rtol=1e-4, atol=1e-6)


def test_a_score_does_not_depend_on_the_rows_beside_it(trained):
    x = np.random.default_rng(2).normal(size=(40, 4))
    alone = [trained.decision_function(row[None])[0] for row in x]
    np.testing.assert_array_equal(trained.decision_function(x), alone)


@pytest.mark.parametrize(("n_rows", "settings", "n_steps"), [(130, {"epochs": 4}, 12), (130, {"max_steps": 7}, 7)])
def test_training_ends_after_its_epochs_or_steps(monkeypatch, n_rows, settings, n_steps):
    count = []
    step = torch.optim.Adam.step
    monkeypatch.setattr(torch.optim.Adam, "step", lambda *given: count.append(step(*given)))
    detector = DiffusionTimeClassifier(**QUICK | {"max_steps": 1000} | settings)
    detector.fit(np.random.default_rng(0).normal(size=(n_rows, 2)))
    assert len(count) == n_steps
