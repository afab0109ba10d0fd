import logging

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE
from imblearn.utils.estimator_checks import parametrize_with_checks

from swift_hydra_kedro.baselines.oversamplers.smote import FewShotSMOTE


@parametrize_with_checks([FewShotSMOTE(random_state=0)])
def test_keeps_imbalanced_learns_rules(estimator, check):
    check(estimator)


def table(n_anomalies):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30 + n_anomalies, 3))
    y = np.array([0] * 30 + [1] * n_anomalies)
    return x, y


@pytest.mark.parametrize("n_anomalies", [1, 2, 3, 10])
def test_classes_are_balanced_however_few_the_anomalies(n_anomalies):
    x, y = table(n_anomalies)
    x_new, y_new = FewShotSMOTE(random_state=0).fit_resample(x, y)
    assert np.bincount(y_new).tolist() == [30, 30]
    np.testing.assert_array_equal(x_new[: len(x)], x)


@pytest.mark.parametrize("n_anomalies", [2, 3, 10])
def test_new_anomalies_lie_between_two_old_ones(n_anomalies):
    x, y = table(n_anomalies)
    x_new, y_new = FewShotSMOTE(random_state=0).fit_resample(x, y)
    old, new = x[y == 1], x_new[len(x) :]
    assert (y_new[len(x) :] == 1).all()
    pairs = [(a, b) for a in old for b in old if a is not b]
    for row in new:
        detours = [np.linalg.norm(row - a) + np.linalg.norm(row - b) - np.linalg.norm(a - b) for a, b in pairs]
        assert min(detours) < 1e-9


def test_a_single_anomaly_is_repeated_and_the_log_says_so(caplog):
    x, y = table(1)
    with caplog.at_level(logging.WARNING):
        x_new, _ = FewShotSMOTE(random_state=0).fit_resample(x, y)
    assert (x_new[30:] == x[30]).all()
    assert "repeated instead" in caplog.text


def test_with_anomalies_enough_it_is_imbalanced_learns_own():
    x, y = table(10)
    expected, _ = SMOTE(random_state=0).fit_resample(x, y)
    actual, _ = FewShotSMOTE(random_state=0).fit_resample(x, y)
    np.testing.assert_array_equal(actual, expected)


def test_sampling_strategy_is_kept():
    x, y = table(3)
    _, y_new = FewShotSMOTE(sampling_strategy={1: 12}, random_state=0).fit_resample(x, y)
    assert np.bincount(y_new).tolist() == [30, 12]


def test_balanced_classes_pass_unchanged():
    x, y = table(30)
    x_new, y_new = FewShotSMOTE(random_state=0).fit_resample(x, y)
    np.testing.assert_array_equal(x_new, x)
    np.testing.assert_array_equal(y_new, y)
