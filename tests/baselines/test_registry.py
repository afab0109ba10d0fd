import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from swift_hydra_kedro.baselines.registry import (
    BASELINES,
    Baseline,
    anomaly_score,
    check_names,
    fit,
    get_baseline,
)
from swift_hydra_kedro.config import EvaluationConfig, RunConfig, SwiftHydraConfig

from ..budgets import SMOKE

STAGES = ("preparation", "pretraining", "synthesis", "detection")
CONFIG = SwiftHydraConfig.model_validate({stage: SMOKE[stage] for stage in STAGES if stage in SMOKE})


def easy_table(seed):
    """Normal rows around 0, one in eight an anomaly further out in another direction each."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(240, 4)), (np.arange(240) % 8 == 0).astype(int)
    x[y == 1] += 5 * np.sign(rng.normal(size=(30, 4)))
    return x.astype(np.float32), y


@pytest.fixture(scope="module", params=sorted(BASELINES))
def scored(request):
    """A method fitted on one easy table: its scores of another one, and that one's labels."""
    baseline, (x, y), (x_test, y_test) = BASELINES[request.param], easy_table(0), easy_table(1)
    estimator = baseline.build(RunConfig(seed=0), CONFIG)
    fit(baseline, estimator, x, y)
    return anomaly_score(estimator, x_test), y_test


def test_every_method_scores_each_row_with_a_finite_number(scored):
    scores, label = scored
    assert scores.shape == label.shape
    assert np.isfinite(scores).all()


def test_every_method_scores_anomalies_higher(scored):
    scores, label = scored
    assert roc_auc_score(label, scores) > 0.9


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_equal_seeds_build_equal_methods(name):
    x, y = easy_table(0)
    both = []
    for _ in range(2):
        estimator = BASELINES[name].build(RunConfig(seed=3), CONFIG)
        fit(BASELINES[name], estimator, x[:80], y[:80])
        both.append(anomaly_score(estimator, x[80:]))
    np.testing.assert_array_equal(*both)


def test_methods_whose_scores_are_swift_hydras_share_its_threshold():
    shared = {name for name, baseline in BASELINES.items() if baseline.threshold == "probability"}
    assert shared == {"smote", "swift_hydra_no_synthesis"}


def test_the_default_baselines_are_registered():
    check_names(EvaluationConfig().baselines)


def test_looking_up_gives_the_entry():
    assert get_baseline("smote") is BASELINES["smote"]


def test_an_unknown_name_is_an_error_that_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown baselines \['xgbost'\]") as error:
        get_baseline("xgbost")
    assert all(repr(name) in str(error.value) for name in BASELINES)


def test_all_unknown_names_are_told_at_once():
    with pytest.raises(ValueError, match=r"\['one', 'two'\]"):
        check_names(["one", "smote", "two"])


class Recorder:
    def fit(self, x, y):
        self.y = y


@pytest.mark.parametrize(("supervision", "given"), [("supervised", [0, 1]), ("unsupervised", None)])
def test_labels_reach_supervised_methods_alone(supervision, given):
    recorder, x = Recorder(), pd.DataFrame({"a": [1.0, 2.0]}).to_numpy()
    fit(Baseline(lambda run, config: recorder, supervision), recorder, x, [0, 1])
    assert recorder.y == given
