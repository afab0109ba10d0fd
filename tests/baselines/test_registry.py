"""Every registered method, through the registry's own door."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from swift_hydra_kedro.baselines.registry import DETECTORS, OVERSAMPLERS, check_names, get_method
from swift_hydra_kedro.config import EvaluationConfig, RunConfig, SwiftHydraConfig

from ..budgets import SMOKE

STAGES = ("preparation", "pretraining", "synthesis", "detection")
CONFIG = SwiftHydraConfig.model_validate({stage: SMOKE[stage] for stage in STAGES if stage in SMOKE})
METHODS = [*sorted(DETECTORS), *(f"{name}__extra_trees" for name in sorted(OVERSAMPLERS))]


def easy_table(seed, n=240):
    """Normal rows around 0, one in eight an anomaly further out in another direction each."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, 4)), (np.arange(n) % 8 == 0).astype(int)
    x[y == 1] += 5 * np.sign(rng.normal(size=(n // 8, 4)))
    return x.astype(np.float32), y


def fit(name, x, y, seed=0):
    return get_method(name).fit(x, y, RunConfig(seed=seed), CONFIG)


@pytest.fixture(scope="module", params=METHODS)
def scored(request):
    """A method fitted on one easy table: its scores of another one, and that one's labels."""
    x_test, y_test = easy_table(1)
    return fit(request.param, *easy_table(0)).score(x_test), y_test


def test_every_method_scores_each_row_with_a_finite_number(scored):
    scores, label = scored
    assert scores.shape == label.shape
    assert np.isfinite(scores).all()


def test_every_method_scores_anomalies_higher(scored):
    scores, label = scored
    assert roc_auc_score(label, scores) > 0.9


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


def test_methods_whose_scores_are_swift_hydras_share_its_threshold():
    shared = {name for name, detector in DETECTORS.items() if detector.threshold == "probability"}
    assert shared == {"swift_hydra_no_synthesis"}


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
