import numpy as np
import pytest
from scipy.integrate import quad
from sklearn.utils.estimator_checks import parametrize_with_checks

from swift_hydra_kedro.baselines.detectors.dte_np import NonParametricDTE


@parametrize_with_checks([NonParametricDTE()])
def test_keeps_scikit_learns_rules(estimator, check):
    check(estimator)


@pytest.mark.parametrize(("n_features", "search"), [(3, "kd_tree"), (40, "brute")])
def test_scores_are_means_of_the_least_distances(n_features, search):
    rng = np.random.default_rng(0)
    x, x_new = rng.normal(size=(60, n_features)), rng.normal(size=(20, n_features))
    detector = NonParametricDTE().fit(x)
    expected = [np.mean(sorted(np.sqrt(((row - other) ** 2).sum()) for other in x)[:5]) for row in x_new]
    np.testing.assert_allclose(detector.decision_function(x_new), expected, rtol=1e-9)
    assert detector._fit_method == search


@pytest.mark.parametrize("radius", [0.5, 1, 4])
def test_the_squared_score_is_the_posterior_mean_of_the_noises_variance(radius):
    """Up to a factor that is the same for all rows: 1 / (P - 4), by a flat prior, for a single training row."""
    n_features = 7

    def likelihood(variance):
        return variance ** (-n_features / 2) * np.exp(-(radius**2) / (2 * variance))

    mean = quad(lambda v: v * likelihood(v), 0, np.inf)[0] / quad(likelihood, 0, np.inf)[0]
    score = NonParametricDTE().fit(np.zeros((1, n_features))).decision_function(radius * np.eye(n_features)[:1])
    np.testing.assert_allclose(score**2 / (n_features - 4), mean, rtol=1e-6)


def test_of_few_training_rows_all_are_neighbours():
    scores = NonParametricDTE().fit([[0.0], [1.0], [5.0]]).decision_function([[0.0], [2.0]])
    np.testing.assert_allclose(scores, [2.0, 2.0])


def test_duplicates_and_constant_columns_score_nought_and_rows_far_out_finitely():
    x = np.tile([[1.0, 2.0, 3.0]], (50, 1))
    scores = NonParametricDTE().fit(x).decision_function(np.vstack([x[:1], x[:1] + 1e5]))
    np.testing.assert_allclose(scores, [0, 1e5 * np.sqrt(3)])
