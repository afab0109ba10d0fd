import logging
from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from imblearn.utils.estimator_checks import parametrize_with_checks

from swift_hydra_kedro.baselines.oversamplers.random_averaging import RandomAveraging


@parametrize_with_checks([RandomAveraging(random_state=0)])
def test_keeps_imbalanced_learns_rules(estimator, check):
    check(estimator)


def made_from(anomalies, n_samples, seed=0):
    x = np.concatenate([anomalies, np.zeros((len(anomalies) + n_samples, anomalies.shape[1]))])
    y = np.arange(len(x)) < len(anomalies)
    return RandomAveraging(random_state=seed).fit_resample(x, y)[0][len(x) :]


@given(arrays(float, st.tuples(st.integers(2, 6), st.integers(1, 4)), elements=st.floats(-1e6, 1e6)), st.integers(0, 9))
def test_every_row_is_the_mean_of_two_anomalies(anomalies, seed):
    means = {tuple((a + b) / 2) for a, b in combinations(anomalies, 2)}
    made = made_from(anomalies, 20, seed)
    assert made.shape == (20, anomalies.shape[1])
    assert {tuple(row) for row in made} <= means


def test_every_pair_is_as_likely_as_any_other():
    anomalies = np.array([[1.0], [2.0], [4.0], [8.0]])  # whose pairs' means all differ
    _, counts = np.unique(made_from(anomalies, 6000), return_counts=True)
    assert len(counts) == 6
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(1000 * 5 / 6)


def test_a_single_anomaly_is_repeated_and_the_log_says_so(caplog):
    with caplog.at_level(logging.WARNING):
        made = made_from(np.array([[3.0, 4.0]]), 5)
    np.testing.assert_array_equal(made, [[3.0, 4.0]] * 5)
    assert "it is repeated instead" in caplog.text
