import logging

import numpy as np
import pytest
from pyod.models.knn import KNN
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from swift_hydra_kedro.baselines.detectors.knn import KNNClassifier, KNNDetector

ROWS = np.random.default_rng(0).normal(size=(60, 3))


@parametrize_with_checks([KNNDetector(), KNNClassifier()])
def test_keeps_scikit_learns_rules(estimator, check):
    check(estimator)


def test_scores_are_pyods():
    np.testing.assert_array_equal(
        KNNDetector().fit(ROWS).decision_function(ROWS), KNN().fit(ROWS).decision_function(ROWS)
    )


@pytest.mark.parametrize("n", [2, 3, 5])
def test_few_rows_have_fewer_neighbours_and_the_log_says_so(n, caplog):
    with caplog.at_level(logging.WARNING):
        score = KNNDetector().fit(ROWS[:n]).decision_function(ROWS[50:])
    distances = np.linalg.norm(ROWS[50:, None] - ROWS[None, :n], axis=2)  # (10, n)
    np.testing.assert_allclose(score, np.sort(distances, axis=1)[:, n - 2])
    assert f"takes {n - 1} neighbours, not 5: there are no more" in caplog.text


def test_rows_enough_need_no_word(caplog):
    with caplog.at_level(logging.WARNING):
        KNNDetector().fit(ROWS[:6])
    assert not caplog.text


@pytest.mark.parametrize("n", [2, 9, 60])
def test_classifier_is_scikit_learns_of_as_many_neighbours_as_there_are(n):
    y = np.arange(n) % 2
    expected = KNeighborsClassifier(min(n, 10)).fit(ROWS[:n], y).predict_proba(ROWS)
    np.testing.assert_array_equal(KNNClassifier().fit(ROWS[:n], y).predict_proba(ROWS), expected)
