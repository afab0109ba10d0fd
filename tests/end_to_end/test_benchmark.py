"""`kedro run --pipeline=benchmark`, and what it leaves; and Swift Hydra in it is the one of the pipeline."""

import json

import numpy as np
import pandas as pd
import pytest

from swift_hydra_kedro.baselines.registry import DETECTORS
from swift_hydra_kedro.benchmark.store import CellStore
from swift_hydra_kedro.config import RunConfig, SwiftHydraConfig
from swift_hydra_kedro.data.table import LabelledTable

from ..budgets import SMOKE
from .project import Project


@pytest.fixture(scope="module")
def measured(tmp_path_factory, elsewhere):
    """A project in which the benchmark ran, and ran again, and its report."""
    project = Project.create(tmp_path_factory.mktemp("measured"), elsewhere)
    project.run("benchmark")
    first = json.loads(summary_of(project).read_text())
    project.run("benchmark")
    second = json.loads(summary_of(project).read_text())
    project.run("report")
    return project, first, second


def summary_of(project):
    return project.folder / "data/08_reporting/benchmark/summary.json"


def test_every_cell_is_a_row_of_the_results(measured):
    found = pd.read_parquet(measured[0].folder / "data/08_reporting/benchmark/cells")
    cells = {
        (dataset, method) for dataset in ("breast_cancer", "sine") for method in ("swift_hydra_no_synthesis", "smote")
    }
    assert set(zip(found["dataset"], found["method"], strict=True)) == cells
    assert found["error"].isna().all()
    assert (found["auc_roc"] > 0.5).all()


def test_the_second_run_finds_all_of_it_done(measured):
    _, first, second = measured
    assert (first["n_known"], first["n_measured"]) == (0, 4)
    assert (second["n_known"], second["n_measured"]) == (4, 0)


def test_the_report_draws_the_rows_that_cells_of_one_data_set_keep(measured):
    page = (measured[0].folder / "data/08_reporting/benchmark/report.html").read_text()
    found = pd.read_parquet(measured[0].folder / "data/08_reporting/benchmark/cells")
    assert set(found.loc[found["rows"].notna(), "dataset"]) == {"breast_cancer"}
    (fed,) = found.query("dataset == 'breast_cancer' and method == 'smote'").to_dict("records")
    assert f"SMOTE: {fed['generated_beyond']:.1%} beyond" in page


def test_the_report_gathers_the_cells_in_one_file(measured):
    folders = ("data/08_reporting/benchmark/cells", "docs/results/benchmark")
    each, together = (CellStore(measured[0].folder / folder).read() for folder in folders)
    names = ["dataset", "method"]
    pd.testing.assert_frame_equal(
        *(found.sort_values(names, ignore_index=True) for found in (each, together)), check_like=True
    )
    assert len(together) == 4


def test_mlflow_has_a_run_for_the_benchmark_and_below_it_one_for_each_cell(measured):
    runs = measured[0].tracked()
    parents = [run for run in runs if run.info.run_name == "benchmark: quick"]
    assert len(parents) == 2
    assert {run.info.status for run in runs} == {"FINISHED"}
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parents[1].info.run_id}
    assert len(children) == 4


@pytest.mark.parametrize(
    ("method", "own"), [("swift_hydra", "swift_hydra_mome"), ("swift_hydra_single", "swift_hydra_single")]
)
def test_swift_hydra_as_a_method_is_that_of_the_pipeline(finished, method, own):
    train, test, scores = finished.load("train_table", "test_table", "own_scores")
    stages = ("pretraining", "synthesis", "detection")
    config = SwiftHydraConfig.with_overrides({stage: SMOKE[stage] for stage in stages})
    rows, new = LabelledTable.from_frame(train), LabelledTable.from_frame(test)
    estimator = DETECTORS[method].build(RunConfig(), config)
    estimator.fit(rows.features.to_numpy(), rows.label.to_numpy())
    found = estimator.predict_proba(new.features.to_numpy())[:, 1]
    np.testing.assert_array_equal(found, scores[own])
