import numpy as np
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.utils.estimator_checks import parametrize_with_checks

from swift_hydra_kedro.baselines.detectors.isolation_forest import IsolationForestDetector


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).normal(size=(200, 2))


def test_a_row_far_out_scores_highest(rows):
    detector = IsolationForestDetector(random_state=0).fit(rows)
    scores = detector.decision_function(np.vstack([rows, [[8.0, 8.0]]]))
    assert scores.argmax() == 200


def test_scores_are_scikit_learns_turned_round(rows):
    own, reference = (forest(random_state=0).fit(rows) for forest in (IsolationForestDetector, IsolationForest))
    np.testing.assert_array_equal(own.decision_function(rows), -reference.score_samples(rows))


def test_labels_are_ignored(rows):
    plain, labelled = (IsolationForestDetector(random_state=0).fit(rows, y) for y in (None, rows[:, 0] > 0))
    np.testing.assert_array_equal(plain.decision_function(rows), labelled.decision_function(rows))


@parametrize_with_checks([IsolationForestDetector(n_estimators=5, random_state=0)])
def test_keeps_scikit_learns_rules(estimator, check):
    check(estimator)
