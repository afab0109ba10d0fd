import numpy as np
import pytest
from scipy.stats import binom
from sklearn.ensemble import IsolationForest
from sklearn.utils.estimator_checks import parametrize_with_checks

from swift_hydra_kedro.baselines.detectors.rejex import RejExDetector

ROWS = np.random.default_rng(0).normal(size=(400, 2))
FAR = [[6.0, 6.0]]


@parametrize_with_checks([RejExDetector(n_estimators=3, random_state=0)])
def test_keeps_scikit_learns_rules(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def detector():
    return RejExDetector(random_state=0).fit(ROWS)


def test_scores_are_those_of_the_isolation_forest_whatever_is_rejected(detector):
    forest = IsolationForest(contamination=0.1, random_state=0).fit(ROWS)
    np.testing.assert_allclose(detector.decision_function(ROWS), -forest.decision_function(ROWS))


def test_rows_near_the_threshold_are_rejected_and_clear_ones_are_not(detector):
    order = detector.decision_function(ROWS).argsort()
    rejected = detector.rejects(ROWS[order])
    assert not rejected[:100].any()
    assert rejected[350:370].all()  # the threshold parts the highest tenth
    assert 0 < rejected.mean() < 1


def test_rejected_are_rows_whose_prediction_is_not_stable_enough(detector):
    """An anomaly is above nine tenths of n new training rows; where it stands among them is binomial."""
    train, score = (detector.decision_function(x) for x in (ROWS, ROWS[:50]))
    n, n_below = len(train), (train <= score[:, None]).sum(axis=1)
    p_anomaly = binom.sf(n - n // 10, n, (1 + n_below) / (2 + n))
    stability = abs(2 * p_anomaly - 1)
    np.testing.assert_array_equal(detector.rejects(ROWS[:50]), stability <= 1 - 2 * np.exp(-32))


def test_a_lower_tolerance_rejects_fewer(detector):
    shares = [RejExDetector(tolerance=t, random_state=0).fit(ROWS).rejects(ROWS).mean() for t in (4, 16, 32)]
    assert shares == sorted(shares)
    assert shares[0] < shares[-1]


def test_rejecting_says_nothing_of_costs(detector, recwarn):
    detector.rejects(FAR)
    assert len(recwarn) == 0
