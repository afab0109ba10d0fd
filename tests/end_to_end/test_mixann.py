"""The pipeline of MixAnN, from an embedded table to its report."""

import numpy as np
import pandas as pd
import pytest

from swift_hydra_kedro.baselines.mixann.scores import macro_scores

CLASSIFIERS = ["knn", "xgboost", "mlp"]
RUN = {"dataset": "sine", "seed": 2}


@pytest.fixture(scope="module")
def mixed(workshop):
    """A project in which the pipeline ran, with its MLflow run."""
    workshop.run("mixann", **RUN)
    return workshop, workshop.tracked()[0]


def test_the_report_has_macro_scores_of_each_classifier_with_and_without(mixed):
    report, train, test = mixed[0].load("mixann_report", "mixann_train_rows", "mixann_test_rows", **RUN)
    assert list(report) == CLASSIFIERS
    rows = (train.tensors["x"], train.tensors["y"], test.tensors["x"], test.tensors["y"])
    assert len(rows[1]) == int(0.8 * (len(rows[1]) + len(rows[3])))
    for name, found in report.items():
        assert found["without_augmentation"] == macro_scores(name, *rows, seed=2)
        assert set(found["mixann"]) == {"precision", "recall", "f1"}
        assert found["validation_f1"] >= found["validation_f1_without"]


def test_synthetic_rows_are_in_the_tables_units_and_name_what_they_were_mixed_from(mixed):
    synthetic, table, report = mixed[0].load("mixann_synthetic_rows", "table", "mixann_report", **RUN)
    assert len(synthetic) == sum(found["n_synthetic"] for found in report.values()) > 0
    assert synthetic["synthetic_label"].sum() == sum(found["n_synthetic_anomalies"] for found in report.values())
    features = [name for name in synthetic if not name.startswith("synthetic_")]
    assert features == [name for name in table if not name.startswith("__")]
    within = synthetic[features].ge(table[features].min() - 1e-6) & synthetic[features].le(table[features].max() + 1e-6)
    assert within.all(axis=None)
    np.testing.assert_array_equal(synthetic["synthetic_label"], synthetic["synthetic_ratio"] >= 0.3)


def test_report_and_history_are_in_mlflow(mixed):
    project, run = mixed
    report, history = project.load("mixann_report", "mixann_history", **RUN)
    for name in CLASSIFIERS:
        assert run.data.metrics[f"mixann.{name}.mixann.f1"] == pytest.approx(report[name]["mixann"]["f1"])
        rewards = project.client().get_metric_history(run.info.run_id, f"mixann.{name}.policy.mean_reward")
        expected = history.loc[history["classifier"] == name, "mean_reward"]
        assert [point.value for point in rewards] == pytest.approx(expected.tolist())
    logged = {
        entry.path for folder in ("tables", "histories", "synthetic") for entry in _artifacts(project, run, folder)
    }
    assert logged == {"tables/mixann.json", "histories/mixann_history.csv", "synthetic/synthetic_rows.csv"}
    assert run.data.params["mixann.ddpg.discount"] == "0.9"


def test_the_same_seed_gives_the_same_rows(mixed):
    project, _ = mixed
    before = project.load("mixann_synthetic_rows", **RUN)
    project.run("mixann", only={"to_outputs": ["mixann_synthetic_rows"]}, **RUN)
    pd.testing.assert_frame_equal(project.load("mixann_synthetic_rows", **RUN), before)


def _artifacts(project, run, folder):
    return project.client().list_artifacts(run.info.run_id, folder)
