"""Equal seeds give equal bits: over runs, stage by stage, and in Python as in the pipeline."""

import numpy as np
import pytest

from swift_hydra_kedro import SwiftHydraClassifier
from swift_hydra_kedro.data.table import LabelledTable
from swift_hydra_kedro.pipeline_registry import STAGES

from ..budgets import SMOKE

MODELS = [
    "pretrained_cvae",
    "pretrained_detector",
    "cvae",
    "single_detector",
    "policy",
    "regions",
    "committee",
    "model",
    "train_rows",
    "test_rows",
    "synthetic_rows",
]


@pytest.fixture(scope="module")
def again(workshop):
    """The finished run's data set and seed once more, now stage by stage."""
    for stage in STAGES:
        workshop.run(stage, only={"to_outputs": ["metrics"]} if stage == "evaluation" else None)
    return workshop


@pytest.mark.parametrize("name", MODELS)
def test_stages_run_one_by_one_give_the_bits_of_the_full_run(finished, again, name):
    first, second = finished.load(name), again.load(name)
    assert first.tensors.keys() == second.tensors.keys()
    for key in first.tensors:
        np.testing.assert_array_equal(first.tensors[key], second.tensors[key])
    assert first.state == second.state


def test_scores_of_all_methods_are_equal_bit_by_bit(finished, again):
    names = ["own_scores", "baseline_scores"]
    for first, second in zip(finished.load(*names), again.load(*names), strict=True):
        assert first.equals(second)


def test_metrics_but_for_seconds_are_equal(finished, again):
    first, second = (without_seconds(project.load("metrics")) for project in (finished, again))
    assert first == second


def without_seconds(metrics):
    return {
        method: {name: value for name, value in values.items() if not name.endswith("_seconds")}
        for method, values in metrics.items()
    }


def test_another_seed_gives_other_scores(finished, workshop):
    workshop.run(only={"to_outputs": ["own_scores"]}, seed=5)
    first, other = finished.load("own_scores"), workshop.load("own_scores", seed=5)
    assert not np.isin(first["swift_hydra_mome"], other["swift_hydra_mome"]).any()


@pytest.fixture(scope="module")
def classifier(finished):
    """The estimator with the run's seed and budget, on the run's training part."""
    train = LabelledTable.from_frame(finished.load("train_table"))
    return SwiftHydraClassifier(**SMOKE, random_state=0).fit(train.features, train.label)


def test_classifier_gives_the_pipelines_scores_bit_by_bit(finished, classifier):
    test, scores = finished.load("test_table", "own_scores")
    probability = classifier.predict_proba(LabelledTable.from_frame(test).features)[:, 1]
    np.testing.assert_array_equal(probability, scores["swift_hydra_mome"])


def test_classifier_makes_the_pipelines_synthetic_anomalies(finished, classifier):
    written = finished.load("synthetic_anomalies")
    values = written[[name for name in written.columns if not name.startswith("synthetic_")]].to_numpy()
    np.testing.assert_allclose(classifier.synthetic_.to_numpy(), values, rtol=1e-12)


def test_classifier_tells_the_pipelines_history(finished, classifier):
    history = finished.load("synthesis_history").drop(columns="seconds")
    np.testing.assert_allclose(classifier.history_.drop(columns="seconds"), history, rtol=1e-12)
