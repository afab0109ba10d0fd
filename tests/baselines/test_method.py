import logging

import numpy as np
import pandas as pd
import pytest

from swift_hydra_kedro.baselines.method import Detector, Method, Oversampler
from swift_hydra_kedro.config import RunConfig, SwiftHydraConfig

RUN, CONFIG = RunConfig(seed=0), SwiftHydraConfig()
X = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [9.0, 9.0]])
Y = np.array([0, 0, 0, 1])


class Recorder:
    """Keeps what it was fitted with, and scores a row by its first value."""

    def fit(self, x, y=None):
        self.x, self.y = x, y

    def decision_function(self, x):
        return x[:, 0]


def method(supervision="supervised", oversampler=None, **settings):
    build = settings.pop("build", lambda run, config: Recorder())
    return Method(Detector(build=build, family="", paper="", supervision=supervision, **settings), oversampler)


def fitted(*arguments, x=X, y=Y, **settings):
    return method(*arguments, **settings).fit(x, y, RUN, CONFIG)


@pytest.mark.parametrize("supervision", ["supervised", "weakly supervised"])
def test_labels_reach_methods_that_learn_from_them(supervision):
    recorder = fitted(supervision).estimator
    np.testing.assert_array_equal(recorder.x, X)
    np.testing.assert_array_equal(recorder.y, Y)


def test_unsupervised_methods_get_all_rows_and_no_label():
    recorder = fitted("unsupervised").estimator
    np.testing.assert_array_equal(recorder.x, X)
    assert recorder.y is None


def test_one_class_methods_get_rows_that_are_not_anomalous_and_no_label():
    recorder = fitted("one-class").estimator
    np.testing.assert_array_equal(recorder.x, X[:3])
    assert recorder.y is None


def test_an_oversampler_comes_before_the_detector():
    class Twice:
        def fit_resample(self, x, y):
            return np.concatenate([x, x]), np.concatenate([y, y])

    oversampler = Oversampler(build=lambda run, config: Twice(), family="", paper="")
    np.testing.assert_array_equal(fitted(oversampler=oversampler).estimator.y, [*Y, *Y])


def test_generated_are_the_anomalies_that_an_oversampler_adds():
    class Both:
        def fit_resample(self, x, y):
            return np.concatenate([x, x + 1, x[:1]]), np.concatenate([y, [0, 1, 0, 1, 0]])

    oversampler = Oversampler(build=lambda run, config: Both(), family="", paper="")
    np.testing.assert_array_equal(fitted(oversampler=oversampler).generated, X[[1, 3]] + 1)


def test_an_oversampler_adds_to_the_rows_that_a_limit_leaves():
    class One:
        def fit_resample(self, x, y):
            return np.concatenate([x, [[7, 7]]]), np.append(y, 1)

    oversampler = Oversampler(build=lambda run, config: One(), family="", paper="")
    x, y = np.concatenate([X, X]), np.concatenate([Y, Y])
    np.testing.assert_array_equal(fitted(oversampler=oversampler, max_rows=4, x=x, y=y).generated, [[7, 7]])


def test_without_an_oversampler_generated_are_the_detectors_own_if_it_makes_any():
    class Generator(Recorder):
        synthetic_ = pd.DataFrame([[7.0, 8.0]])

    np.testing.assert_array_equal(fitted(build=lambda run, config: Generator()).generated, [[7, 8]])
    assert fitted().generated.shape == (0, 2)


def test_scores_are_the_decision_function_or_the_probability_of_an_anomaly():
    class Classifier:
        fit = Recorder.fit

        def predict_proba(self, x):
            return np.tile(np.float32([0.25, 0.75]), (len(x), 1))

    np.testing.assert_array_equal(fitted().score(X), X[:, 0])
    probability = fitted(build=lambda run, config: Classifier()).score(X)
    np.testing.assert_array_equal(probability, [0.75] * 4)
    assert probability.dtype == np.float64


def test_a_method_at_its_limit_says_that_it_has_a_part_of_the_rows(caplog):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(1000, 2)), (np.arange(1000) < 100).astype(int)
    with caplog.at_level(logging.WARNING):
        recorder = fitted(max_rows=100, x=x, y=y).estimator
    assert np.bincount(recorder.y).tolist() == [90, 10]
    assert {tuple(row) for row in recorder.x} <= {tuple(row) for row in x}
    assert "trained on 100 of 1000 rows" in caplog.text


@pytest.mark.parametrize("n_anomalies", [1, 2, 5])
def test_a_method_at_its_limit_has_the_few_anomalies(n_anomalies):
    x, y = np.arange(2000.0).reshape(1000, 2), (np.arange(1000) < n_anomalies).astype(int)
    recorder = fitted(max_rows=10, x=x, y=y).estimator
    assert np.bincount(recorder.y).tolist() == [10, min(n_anomalies, 2)]


def test_a_method_below_its_limit_has_all_rows(caplog):
    assert len(fitted(max_rows=4).estimator.x) == 4
    assert not caplog.text


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[:0], Y[:0], r"rows and columns; their shape is \(0, 2\)"),
        (X[:, 0], Y, r"their shape is \(4,\)"),
        (np.where(X == 9, np.nan, X), Y, "1 rows hold NaN or infinite values, in columns 0, 1$"),
        (np.where(X == 0, np.inf, X), Y, "1 rows hold NaN"),
        (np.full((2, 8), np.nan), Y[:2], "2 rows hold NaN or infinite values, in columns 0, 1, 2, 3, 4 and 3 more"),
        (X, Y[:3], "4 rows and labels of shape"),
        (X, np.zeros(4, int), r"labels must be 0 and 1, both of them; they are \[0\]"),
        (X, np.array([0, 1, 2, 1]), r"they are \[0, 1, 2\]"),
    ],
)
def test_bad_training_data_is_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        fitted(x=x, y=y)


@pytest.mark.parametrize(
    ("x", "message"), [(X[:, :1], "rows have 1 features; the method was trained on 2"), (X * np.nan, "4 rows hold NaN")]
)
def test_bad_rows_are_not_scored(x, message):
    with pytest.raises(ValueError, match=message):
        fitted().score(x)


def test_a_missing_library_is_named_with_the_command_that_installs_it():
    with pytest.raises(ImportError, match=r"no-such-thing is not installed: pip install -e '\.\[benchmark\]'"):
        fitted(library="no_such_thing")


def test_so_is_a_library_that_a_method_needs_beside_its_own():
    with pytest.raises(ImportError, match=r"^not-there is not installed"):
        fitted(library="numpy", needs=("sklearn", "not_there"))


def test_the_share_of_rows_that_a_detector_rejects():
    class Doubtful(Recorder):
        def rejects(self, x):
            return x[:, 0] > 1

    assert fitted(build=lambda run, config: Doubtful()).rejected_share(X) == 0.5
    assert fitted().rejected_share(X) is None
