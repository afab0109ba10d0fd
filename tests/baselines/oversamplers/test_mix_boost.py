from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from imblearn.utils.estimator_checks import parametrize_with_checks
from scipy import stats

from swift_hydra_kedro.baselines.oversamplers import mix_boost
from swift_hydra_kedro.baselines.oversamplers.mix_boost import MixBoost, doubt

from ..mixtures import shares

Y = (np.arange(60) < 12).astype(int)
X = np.random.default_rng(0).normal(size=(60, 5))


@parametrize_with_checks([MixBoost(random_state=0, n_iterations=1)])
def test_keeps_imbalanced_learns_rules(estimator, check):
    check(estimator)


def made_by(alpha=2.0, **parameters):  # most mixtures are far from either parent, so that both can be told
    return MixBoost(alpha=alpha, random_state=0, **parameters).fit_resample(X, Y)[0][len(X) :]


def parents(made):
    """The anomaly and the normal row that each row was made of, and the anomaly's share, `(n, 3)`."""
    found = []
    for row in made:
        share = shares(row, X[Y == 1], X[Y == 0])
        ((anomaly, normal),) = np.argwhere(~np.isnan(share))
        found.append([anomaly, normal, share[anomaly, normal]])
    return np.array(found)


def test_rows_mix_an_anomaly_and_a_normal_row_and_the_anomalys_share_is_the_larger():
    made = made_by()
    assert made.shape == (36, 5)
    _, _, share = parents(made).T
    assert ((share >= 0.5) & (share <= 1)).all()


def test_shares_are_those_of_a_beta_distribution_whose_soft_label_rounds_to_an_anomaly():
    *_, share = parents(made_by(sampling_strategy={1: 512}, alpha=0.7)).T
    assert stats.kstest(share, lambda s: 2 * stats.beta(0.7, 0.7).cdf(s) - 1).pvalue > 0.01


def test_doubt_is_the_entropy_by_hand():
    quarter = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    expected = np.array([np.log(2), quarter, quarter, 0, 0]) / (np.log(2) + 2 * quarter)
    np.testing.assert_allclose(doubt(np.array([0.5, 0.25, 0.75, 0, 1])), expected)


def test_without_doubt_all_rows_weigh_the_same():
    np.testing.assert_array_equal(doubt(np.array([0.0, 1.0, 1.0, 0.0])), [0.25] * 4)


@given(arrays(float, st.integers(1, 20), elements=st.floats(0, 1)))
def test_weights_are_a_distribution(probability):
    weight = doubt(probability)
    assert (weight >= 0).all()
    assert weight.sum() == pytest.approx(1)


class Stub:
    """A classifier in doubt about the anomalies 3 and 5, the latter more, and about the normal row 20."""

    fitted: ClassVar[list[tuple[np.ndarray, np.ndarray]]]
    doubted: ClassVar = {3: 0.11, 5: 0.5, 12 + 20: 0.9}

    def __init__(self, **settings):
        pass

    def fit(self, x, y):
        self.fitted.append((x, y))
        return self

    def predict_proba(self, x):
        numbers = [int(np.flatnonzero((row == X).all(axis=1))[0]) for row in x]
        p = np.array([self.doubted.get(number, 0.0) for number in numbers])
        return np.column_stack([1 - p, p])


@pytest.fixture
def fitted(monkeypatch):
    """Rows and labels that the classifier, replaced by a stub, is fitted to, one pair in each iteration."""
    Stub.fitted = []
    monkeypatch.setattr(mix_boost, "HistGradientBoostingClassifier", Stub)
    return Stub.fitted


@pytest.mark.usefixtures("fitted")
def test_rows_are_drawn_by_doubt():
    anomaly, normal, _ = parents(made_by(sampling_strategy={1: 1012})).T
    assert set(anomaly) == {3, 5}
    assert set(normal) == {20}
    entropy = stats.bernoulli(0.11).entropy(), stats.bernoulli(0.5).entropy()
    expected = entropy[1] / sum(entropy)
    assert abs((anomaly == 5).mean() - expected) < 4 * np.sqrt(expected * (1 - expected) / 1000)


def test_each_iteration_learns_from_what_was_made_before_as_anomalies(fitted):
    made = made_by(n_iterations=3)
    assert [len(x) for x, _ in fitted] == [60, 72, 84]
    for number, (x, y) in enumerate(fitted):
        np.testing.assert_array_equal(x[y], [*X[Y == 1], *made[: 12 * number]])
        np.testing.assert_array_equal(x[~y], X[Y == 0])


def test_fewer_rows_than_iterations_take_an_iteration_each(fitted):
    assert len(made_by(sampling_strategy={1: 14}, n_iterations=9)) == 2
    assert len(fitted) == 2


def test_one_anomaly_among_more_rows_than_early_stopping_starts_at():
    x = np.random.default_rng(0).normal(size=(10_100, 2))
    sampler = MixBoost(sampling_strategy={1: 4}, n_iterations=1, random_state=0)
    x_new, _ = sampler.fit_resample(x, np.arange(10_100) == 0)
    assert np.isfinite(x_new).all()
