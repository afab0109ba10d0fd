"""Every registered method, through the registry's own door."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from swift_hydra_kedro.baselines.registry import DETECTORS, OVERSAMPLERS, check_names, get_method
from swift_hydra_kedro.baselines.swift_hydra import KL_WEIGHTS
from swift_hydra_kedro.config import EvaluationConfig, RunConfig, SwiftHydraConfig
from swift_hydra_kedro.evaluation.names import is_own

from ..budgets import SMOKE

STAGES = ("preparation", "pretraining", "synthesis", "detection")
CONFIG = SwiftHydraConfig.model_validate({stage: SMOKE[stage] for stage in STAGES if stage in SMOKE})
# Variants that differ in one number: one of them speaks for all
ALIKE = {f"swift_hydra_kl_{weight}" for weight in KL_WEIGHTS[1:]}
METHODS = [*sorted(DETECTORS.keys() - ALIKE), *(f"{name}__extra_trees" for name in sorted(OVERSAMPLERS))]


def easy_table(seed, n=240):
    """Normal rows around 0, one in eight an anomaly further out: to the right, and else in another direction each."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, 4)), (np.arange(n) % 8 == 0).astype(int)
    direction = np.sign(rng.normal(size=(n // 8, 4)))
    direction[:, 0] = 1  # on one side of a plane: a linear method has to find them, too
    x[y == 1] += 5 * direction
    return x.astype(np.float32), y


def crude_table(n=96):
    """Two anomalies, a constant column, a column of two values, rows that occur four times."""
    x, _ = easy_table(2, n // 4)
    x[:, 1], x[:, 2] = 0, x[:, 2] > 0
    return np.tile(x, (4, 1)), (np.arange(n) < 2).astype(int)


def fit(name, x, y, seed=0):
    return get_method(name).fit(x, y, RunConfig(seed=seed), CONFIG)


def bad(value):
    """An easy table with one value replaced."""
    x, y = easy_table(0)
    x[3, 2] = value
    return x, y


@pytest.fixture(scope="module", params=METHODS)
def fitted(request):
    """A method fitted on an easy table."""
    return fit(request.param, *easy_table(0))


@pytest.fixture(scope="module")
def scored(fitted):
    """Its scores of another one, and that one's labels."""
    x_test, y_test = easy_table(1)
    return fitted.score(x_test), y_test


def test_every_method_scores_each_row_with_a_finite_number(scored):
    scores, label = scored
    assert scores.shape == label.shape
    assert np.isfinite(scores).all()


def test_every_method_scores_anomalies_higher(scored):
    scores, label = scored
    assert roc_auc_score(label, scores) > 0.9


def test_rows_far_out_get_finite_scores(fitted):
    assert np.isfinite(fitted.score(np.float32([[1e5] * 4, [-1e5, 0, 0, 0], [0, 1e5, -1e5, 0]]))).all()


def test_what_a_method_generated_is_finite_and_is_there_if_it_generates(request, fitted):
    name, generated = request.node.callspec.params["fitted"], fitted.generated
    generates = "__" in name or (is_own(name) and name != "swift_hydra_no_synthesis")
    assert np.isfinite(generated).all()
    assert generated.shape[1] == 4
    assert bool(len(generated)) == generates or name == "mixann__extra_trees"  # whose policy may want none


@pytest.mark.parametrize("name", sorted(OVERSAMPLERS))
def test_every_oversampler_gives_the_rows_that_it_got_and_then_those_made(name):
    x, y = easy_table(0)
    new_x, new_y = OVERSAMPLERS[name].build(RunConfig(), CONFIG).fit_resample(x, y)
    np.testing.assert_array_equal(new_x[: len(x)], x)
    np.testing.assert_array_equal(new_y[: len(y)], y)
    assert len(new_x) == len(new_y) > len(x)


@pytest.mark.parametrize(
    "x",
    [bad(np.nan)[0], bad(np.inf)[0], easy_table(0)[0][:, :3], np.ones((5, 5)), np.empty((0, 4)), np.ones(4)],
    ids=["NaN", "infinite", "too few columns", "too many columns", "no rows", "no table"],
)
def test_no_method_scores_bad_rows(fitted, x):
    with pytest.raises(ValueError, match=r"rows (hold NaN or infinite|have \d features|must be a table)"):
        fitted.score(x)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(
    ("x", "y"),
    [bad(np.nan), bad(-np.inf), (bad(0)[0], np.zeros(240, int)), (bad(0)[0], np.ones(240, int)), (np.ones(4), [1])],
    ids=["NaN", "infinite", "normal rows only", "anomalies only", "no table"],
)
def test_no_method_learns_from_bad_tables(name, x, y):
    with pytest.raises(ValueError, match=r"rows (hold NaN or infinite|must be a table)|labels must be 0 and 1"):
        fit(name, x, y)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_learns_from_a_crude_table(name):
    x, y = crude_table()
    assert np.isfinite(fit(name, x, y).score(x)).all()


@pytest.mark.parametrize("name", METHODS)
def test_equal_seeds_build_equal_methods(name):
    (x, y), (x_test, _) = easy_table(0, 80), easy_table(1)
    first, second = (fit(name, x, y, seed=3).score(x_test) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_learns_from_a_single_anomaly(name):
    x, y = easy_table(0)
    kept = (y == 0) | (np.arange(len(y)) == 0)
    assert np.isfinite(fit(name, x[kept], y[kept]).score(x)).all()


def test_boosting_learns_from_a_single_anomaly_among_many_rows():
    x, y = np.random.default_rng(0).normal(size=(10_100, 3)), (np.arange(10_100) == 0).astype(int)
    assert np.isfinite(fit("hist_gradient_boosting", x, y).score(x)).all()


def test_methods_whose_scores_are_swift_hydras_share_its_threshold():
    shared = {name for name, detector in DETECTORS.items() if detector.threshold == "probability"}
    assert shared == {name for name in DETECTORS if is_own(name)}


def test_every_method_written_here_says_what_it_is_checked_against():
    assert not [name for name, entry in (DETECTORS | OVERSAMPLERS).items() if not entry.library and not entry.checked]


def test_the_default_baselines_are_registered():
    check_names(EvaluationConfig().baselines)


def test_a_detectors_name_is_looked_up():
    method = get_method("extra_trees")
    assert method.detector is DETECTORS["extra_trees"]
    assert method.oversampler is None


@pytest.mark.parametrize(
    ("name", "detector"), [("smote", "swift_hydra_no_synthesis"), ("smote__extra_trees", "extra_trees")]
)
def test_an_oversampler_feeds_the_named_detector_or_the_mixture(name, detector):
    method = get_method(name)
    assert method.detector is DETECTORS[detector]
    assert method.oversampler is OVERSAMPLERS["smote"]


@pytest.mark.parametrize(
    "name", ["xgbost", "smote__xgbost", "smotee__extra_trees", "extra_trees__smote", "__extra_trees"]
)
def test_an_unknown_name_is_an_error_that_lists_the_known_ones(name):
    with pytest.raises(ValueError, match=f"unknown baseline {name!r}") as error:
        check_names(["smote", name])
    assert all(repr(known) in str(error.value) for known in DETECTORS | OVERSAMPLERS)
