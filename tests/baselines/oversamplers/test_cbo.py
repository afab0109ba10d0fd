import logging
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imblearn.utils.estimator_checks import parametrize_with_checks
from sklearn.cluster import MiniBatchKMeans

from swift_hydra_kedro.baselines.oversamplers import cbo
from swift_hydra_kedro.baselines.oversamplers.cbo import CBO, safe_groups

from ..mixtures import between


@parametrize_with_checks([CBO(random_state=0)])
def test_keeps_imbalanced_learns_rules(estimator, check):
    check(estimator)


def made_by(sampler, x, y):
    x_new, y_new = sampler.fit_resample(x, y)
    np.testing.assert_array_equal(x_new[: len(x)], x)
    assert (y_new[len(x) :] == 1).all()
    return x_new[len(x) :]


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=30))
def test_safe_rows_are_those_whose_clusters_majority_is_theirs(rows):
    rows = sorted(rows, key=lambda row: not row[1])  # anomalies come first
    expected = []
    for cluster in range(5):
        inside = [number for number, (c, _) in enumerate(rows) if c == cluster]
        anomalies = [number for number in inside if rows[number][1]]
        if len(anomalies) > len(inside) - len(anomalies) and len(anomalies) > 1:
            expected.append(anomalies)
    groups = safe_groups(np.array([c for c, _ in rows]), sum(is_anomaly for _, is_anomaly in rows))
    assert [group.tolist() for group in groups] == expected


def test_rows_lie_between_two_safe_anomalies_of_one_cluster(monkeypatch):
    clusters = []

    class Witness(MiniBatchKMeans):
        def fit_predict(self, x):
            clusters.append(super().fit_predict(x))
            return clusters[-1]

    monkeypatch.setattr(cbo, "MiniBatchKMeans", Witness)
    rng = np.random.default_rng(0)
    y = (np.arange(400) < 60).astype(int)
    x = rng.normal(size=(400, 4)) + 1.5 * y[:, None]
    made = made_by(CBO(random_state=0), x, y)
    safe = [x[(clusters[0] == c) & (y == 1)] for c in range(20) if y[clusters[0] == c].mean() > 0.5]
    assert 0 < sum(map(len, safe)) < 60
    assert all(any(between(row, rows) for rows in safe if len(rows) > 1) for row in made)


@pytest.fixture
def blobs():
    """Around 0 six anomalies and two normal rows, around 100 four anomalies, around 200 normal rows and an anomaly."""
    centre, y = np.repeat([0, 0, 100, 200, 200], [6, 2, 4, 500, 1]), np.repeat([1, 0, 1, 0, 1], [6, 2, 4, 500, 1])
    return centre[:, None] + np.random.default_rng(0).normal(size=(513, 3)), y


def test_each_safe_anomaly_is_as_likely_a_start(blobs):
    centre = made_by(CBO(n_clusters=3, random_state=0), *blobs).mean(axis=1).round(-2)
    count = Counter(centre.tolist())
    assert set(count) == {0, 100}
    assert abs(count[100] / len(centre) - 0.4) < 4 * np.sqrt(0.24 / len(centre))


def test_without_safe_anomalies_it_is_plain_smote_and_the_log_says_so(caplog):
    x = np.random.default_rng(0).normal(size=(200, 3))
    y = (np.arange(200) % 50 == 0).astype(int)
    with caplog.at_level(logging.WARNING):
        made = made_by(CBO(n_clusters=5, random_state=0), x, y)
    assert all(between(row, x[y == 1]) for row in made)
    assert "no cluster has two safe rows" in caplog.text


def test_a_single_anomaly_is_repeated_and_the_log_says_so(caplog):
    x = np.random.default_rng(0).normal(size=(30, 3))
    with caplog.at_level(logging.WARNING):
        made = made_by(CBO(random_state=0), x, (np.arange(30) == 7).astype(int))
    assert (made == x[7]).all()
    assert "it is repeated instead" in caplog.text


def test_repeated_rows_are_clustered_too():
    x = np.repeat([[0.0, 0.0], [1.0, 1.0]], [60, 10], axis=0)
    made = made_by(CBO(random_state=0), x, (x[:, 0] == 1).astype(int))
    np.testing.assert_array_equal(made, np.ones((50, 2)))
