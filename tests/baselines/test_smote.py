import logging

import numpy as np
import pytest
from imblearn.over_sampling import ADASYN, SMOTE, SVMSMOTE, BorderlineSMOTE
from imblearn.utils.estimator_checks import parametrize_with_checks

from swift_hydra_kedro.baselines.oversamplers import smote
from swift_hydra_kedro.baselines.oversamplers.smote import (
    FewShotADASYN,
    FewShotBorderlineSMOTE,
    FewShotSMOTE,
    FewShotSVMSMOTE,
    interpolate,
)

from .mixtures import between

LIBRARYS = {
    FewShotSMOTE: SMOTE,
    FewShotBorderlineSMOTE: BorderlineSMOTE,
    FewShotADASYN: ADASYN,
    FewShotSVMSMOTE: SVMSMOTE,
}
every_sampler = pytest.mark.parametrize("sampler", LIBRARYS)


@parametrize_with_checks([sampler(random_state=0) for sampler in LIBRARYS])
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
    assert (y_new[len(x) :] == 1).all()
    assert all(between(row, x[y == 1]) for row in x_new[len(x) :])


@every_sampler
def test_a_single_anomaly_is_repeated_and_the_log_says_so(sampler, caplog):
    x, y = table(1)
    with caplog.at_level(logging.WARNING):
        x_new, _ = sampler(random_state=0).fit_resample(x, y)
    np.testing.assert_array_equal(x_new[30:], [x[30]] * 30)
    assert "repeated instead" in caplog.text


@every_sampler
def test_with_anomalies_enough_it_is_imbalanced_learns_own(sampler, caplog):
    x, y = table(10)
    expected, _ = LIBRARYS[sampler](random_state=0).fit_resample(x, y)
    actual, _ = sampler(random_state=0).fit_resample(x, y)
    np.testing.assert_array_equal(actual, expected)
    assert len(actual) > len(x)
    assert not caplog.text


@every_sampler
@pytest.mark.parametrize("n_anomalies", [2, 3, 6])
def test_few_anomalies_in_a_tiny_table_grow(sampler, n_anomalies):
    x, y = table(n_anomalies)
    x, y = x[22:], y[22:]  # fewer rows than neighbours that tell danger
    x_new, y_new = sampler(random_state=0).fit_resample(x, y)
    assert np.isfinite(x_new).all()
    assert np.count_nonzero(y_new) > n_anomalies


def apart(n_anomalies=10):
    """Anomalies without normal rows among their neighbours."""
    x, y = table(n_anomalies)
    return x + 100 * y[:, None], y


def surrounded():
    """Anomalies whose neighbours are all normal."""
    x = np.random.default_rng(0).uniform(size=(500, 2))
    x[:3] = [[0.2, 0.2], [0.8, 0.5], [0.3, 0.9]]
    return x, (np.arange(500) < 3).astype(int)


@pytest.mark.parametrize(
    ("sampler", "rows", "reason"),
    [
        (FewShotBorderlineSMOTE, apart, "No row is in danger"),
        (FewShotBorderlineSMOTE, surrounded, "No row is in danger"),
        (FewShotADASYN, apart, "Not any neigbours belong to the majority"),
        (FewShotSVMSMOTE, surrounded, "All support vectors are considered as noise"),
    ],
)
def test_without_a_row_to_start_from_it_is_plain_smote_and_the_log_says_so(sampler, rows, reason, caplog):
    x, y = rows()
    with caplog.at_level(logging.WARNING):
        actual, label = sampler(random_state=0).fit_resample(x, y)
    expected, expected_label = FewShotSMOTE(random_state=0).fit_resample(x, y)
    np.testing.assert_array_equal(actual, expected)
    np.testing.assert_array_equal(label, expected_label)
    assert f"plain SMOTE takes its place: {reason}" in caplog.text


def test_too_few_new_rows_for_adasyn_to_share_out_are_plain_smotes(caplog):
    x, y = table(10)
    _, label = FewShotADASYN(sampling_strategy={1: 11}, random_state=0).fit_resample(x, y)
    assert np.count_nonzero(label) == 11
    assert "No samples will be generated" in caplog.text


def test_an_svm_of_too_many_rows_has_a_part_of_them_and_numbers_support_vectors_in_the_whole(monkeypatch, caplog):
    monkeypatch.setattr(smote, "SVM_ROWS", 100)
    rng = np.random.default_rng(0)
    y = (np.arange(400) < 60).astype(int)
    x = rng.normal(size=(400, 3)) + y[:, None]
    svm = smote._BoundedSVC(random_state=0).fit(x, y)
    assert svm.n_support_.sum() < 100
    np.testing.assert_array_equal(x[svm.support_], svm.support_vectors_)
    assert "among 100 of 400 rows" in caplog.text
    x_new, label = FewShotSVMSMOTE(random_state=0).fit_resample(x, y)
    assert np.bincount(label).tolist() == [340, 340]
    assert np.isfinite(x_new).all()


@pytest.mark.parametrize("n_rows", [2, 3, 10])
def test_interpolated_rows_lie_between_a_row_and_one_of_its_nearest(n_rows):
    rows = np.random.default_rng(0).normal(size=(n_rows, 3))
    order = np.linalg.norm(rows[:, None] - rows, axis=2).argsort(axis=1)
    pairs = [rows[[start, end]] for start in range(n_rows) for end in order[start, 1:6]]
    made = interpolate(rows, 40, np.random.default_rng(1))
    assert made.shape == (40, 3)
    assert all(any(between(row, pair) for pair in pairs) for row in made)


def test_sampling_strategy_is_kept():
    x, y = table(3)
    _, y_new = FewShotSMOTE(sampling_strategy={1: 12}, random_state=0).fit_resample(x, y)
    assert np.bincount(y_new).tolist() == [30, 12]


def test_balanced_classes_pass_unchanged():
    x, y = table(30)
    x_new, y_new = FewShotSMOTE(random_state=0).fit_resample(x, y)
    np.testing.assert_array_equal(x_new, x)
    np.testing.assert_array_equal(y_new, y)
