import logging

import numpy as np
import pytest
from pyod.models.cblof import CBLOF
from sklearn.utils.estimator_checks import parametrize_with_checks

from swift_hydra_kedro.baselines.detectors.cblof import CBLOFDetector

RNG = np.random.default_rng(0)
CORNERS = 20 * np.eye(8)
LARGE_AND_SMALL = np.repeat(CORNERS, [200, 100, 90, 3, 3, 2, 2, 2], axis=0) + RNG.normal(size=(402, 8))
ALIKE = np.repeat(CORNERS, 30, axis=0) + RNG.normal(size=(240, 8))
ELSEWHERE = RNG.normal(scale=10, size=(50, 8))


@parametrize_with_checks([CBLOFDetector(n_clusters=3, random_state=0)])
def test_keeps_scikit_learns_rules(estimator, check):
    check(estimator)


@pytest.mark.parametrize("seed", range(3))
def test_scores_are_pyods_where_there_is_a_boundary(seed, caplog):
    with caplog.at_level(logging.WARNING):
        own = CBLOFDetector(random_state=seed).fit(LARGE_AND_SMALL)
    reference = CBLOF(random_state=seed).fit(LARGE_AND_SMALL)
    assert len(own.large_centers_) < 8
    for x in (LARGE_AND_SMALL, ELSEWHERE):
        np.testing.assert_allclose(own.decision_function(x), reference.decision_function(x))
    assert not caplog.text


def test_without_a_boundary_all_clusters_are_large_and_the_log_says_so(caplog):
    with pytest.raises(ValueError, match="valid cluster separation"):
        CBLOF(random_state=0).fit(ALIKE)
    with caplog.at_level(logging.WARNING):
        detector = CBLOFDetector(random_state=0).fit(ALIKE)
    means = ALIKE.reshape(8, 30, 8).mean(axis=1)
    expected = np.linalg.norm(ELSEWHERE[:, None] - means, axis=2).min(axis=1)
    np.testing.assert_allclose(detector.decision_function(ELSEWHERE), expected)
    assert "no boundary between large and small clusters" in caplog.text


@pytest.mark.parametrize("n", [1, 2, 5])
def test_fewer_rows_than_clusters_are_one_cluster_each(n):
    score = CBLOFDetector(random_state=0).fit(ALIKE[::30][:n]).decision_function(ALIKE[::30])
    np.testing.assert_allclose(score[:n], 0, atol=1e-6)
    assert (score[n:] > 10).all()


repeated = pytest.mark.filterwarnings("ignore:Number of distinct clusters", "ignore:The chosen clustering")


@repeated
@pytest.mark.parametrize("seed", range(5))
def test_no_row_far_away_belongs_to_a_cluster_that_stayed_empty(seed):
    rows = np.zeros((240, 3))
    rows[:5] = np.random.default_rng(seed).normal(size=(5, 3))
    far = np.random.default_rng(1).normal(scale=100, size=(400, 3))
    score = CBLOFDetector(random_state=0).fit(rows).decision_function(far)
    np.testing.assert_allclose(score, np.linalg.norm(far, axis=1), atol=5)  # in pyod, some score 0


@repeated
@pytest.mark.parametrize("n_distinct", [1, 2, 4])
def test_a_row_far_from_repeated_ones_scores_its_distance(n_distinct):
    rows = np.tile(CORNERS[:n_distinct], (30, 1))
    score = CBLOFDetector(random_state=0).fit(rows).decision_function([[0.0] * 7 + [100.0]])
    np.testing.assert_allclose(score, np.hypot(20, 100))
