from collections import Counter

import numpy as np
import pytest
from imblearn.utils.estimator_checks import parametrize_with_checks

from swift_hydra_kedro.baselines.oversamplers.base import OwnOverSampler

ROWS = np.arange(18.0).reshape(9, 2)
LABELS = np.array([0] * 5 + [1] * 3 + [2])


class Repeat(OwnOverSampler):
    """Repeats rows drawn at random, and remembers what it was given."""

    def _make(self, minority, majority, n_samples, rng):
        self.given_ = [*getattr(self, "given_", []), (minority, majority, n_samples)]
        return rng.choice(minority, n_samples)


@parametrize_with_checks([Repeat(random_state=0)])
def test_keeps_imbalanced_learns_rules(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("auto", {0: 5, 1: 5, 2: 5}),
        ("minority", {0: 5, 1: 3, 2: 5}),
        ({1: 4}, {0: 5, 1: 4, 2: 1}),
        ({0: 7, 2: 3}, {0: 7, 1: 3, 2: 3}),
        (lambda y: {2: 2}, {0: 5, 1: 3, 2: 2}),
    ],
    ids=["auto", "minority", "one class", "two classes", "function"],
)
def test_makes_as_many_as_imbalanced_learn_asks_for(strategy, expected):
    x_new, y_new = Repeat(sampling_strategy=strategy, random_state=0).fit_resample(ROWS, LABELS)
    assert dict(Counter(y_new.tolist())) == expected
    np.testing.assert_array_equal(x_new[:9], ROWS)
    assert all((ROWS[label == LABELS] == row).all(axis=1).any() for row, label in zip(x_new, y_new, strict=True))


def test_each_class_grows_against_all_others():
    sampler = Repeat(random_state=0)
    sampler.fit_resample(ROWS, LABELS)
    assert [n_samples for *_, n_samples in sampler.given_] == [2, 4]
    for (minority, majority, _), label in zip(sampler.given_, (1, 2), strict=True):
        np.testing.assert_array_equal(minority, ROWS[label == LABELS])
        np.testing.assert_array_equal(majority, ROWS[label != LABELS])


def test_equal_seeds_draw_equal_rows():
    first, second, other = (Repeat(random_state=seed).fit_resample(ROWS, LABELS)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


def test_classes_do_not_draw_the_same_numbers():
    class Noise(OwnOverSampler):
        def _make(self, minority, majority, n_samples, rng):
            return rng.normal(size=(n_samples, minority.shape[1]))

    x_new, _ = Noise(random_state=0).fit_resample(ROWS[:8], np.array([0] * 4 + [1] * 2 + [2] * 2))
    assert (x_new[8:10] != x_new[10:]).all()


def test_rows_come_in_double_precision():
    sampler = Repeat(random_state=0)
    sampler.fit_resample(ROWS.astype(np.float32), LABELS)
    assert sampler.given_[0][0].dtype == np.float64
