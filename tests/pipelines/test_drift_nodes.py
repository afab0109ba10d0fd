"""What is read to find drift, what is said of it, and what MLflow gets."""

import dataclasses
import logging

import numpy as np
import pandas as pd
import pytest
from mlflow.utils.validation import _validate_metric

from swift_hydra_kedro.config import DriftConfig, ScoringConfig
from swift_hydra_kedro.data.stream import TableStream
from swift_hydra_kedro.evaluation.drift import Comparison, summarise_drift
from swift_hydra_kedro.pipelines.scoring.drift_nodes import MOST_LOGGED, measure_drift, to_drift_metrics

from ..mixed_table import fitted_classifier, mixed_table

SMALL = ScoringConfig(chunk_rows=64, chunk_bytes=4096)
CHANGED = Comparison(np.array([500, 500, 0]), np.array([900, 100, 0]), (0.0,))


@pytest.fixture(scope="module")
def scorer():
    return fitted_classifier().scorer_


def report_of(scorer, rows, folder, suffix=".parquet"):
    """Drift of a table with scores of 0.5."""
    tables = {"rows": rows, "scores": pd.DataFrame({"score": np.full(len(rows), 0.5)})}
    paths = {name: folder / f"{name}{suffix}" for name in tables}
    for name, table in tables.items():
        (table.to_csv if suffix == ".csv" else table.to_parquet)(paths[name], index=False)
    streams = [TableStream(str(path)) for path in paths.values()]
    return measure_drift(scorer.to_checkpoint(), *streams, SMALL)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_rows_of_training_have_not_drifted_whatever_the_file(scorer, tmp_path, caplog, suffix):
    report = report_of(scorer, mixed_table()[0], tmp_path, suffix)
    assert (report["n_rows"], report["level"], report["score"]) == (160, "none", None)
    assert {drift["psi"] for drift in report["columns"].values()} == {0}
    assert caplog.messages == []


def test_rows_that_were_refused_do_not_count(scorer, tmp_path):
    rows = mixed_table()[0].astype({"size": object})
    rows.loc[:9, "size"] = "tall"
    assert report_of(scorer, rows, tmp_path, ".csv")["n_rows"] == 150


def test_the_warning_names_column_and_level(scorer, tmp_path, caplog):
    rows = mixed_table()[0]
    report = report_of(scorer, rows.assign(noise=rows["noise"] + 2), tmp_path)
    psi = report["columns"]["noise"]["psi"]
    assert caplog.record_tuples[0][1:] == (
        logging.WARNING,
        f"strong drift, in 1 of 4 columns: column 'noise' (PSI {psi:.2f})",
    )


def test_a_drifted_score_is_named(scorer, tmp_path, caplog):
    profile = scorer.profile
    of_score = type(profile.score).of_numbers(pd.Series(np.linspace(0, 0.4, 200), name="score"))
    scorer = dataclasses.replace(scorer, profile=profile.model_copy(update={"score": of_score}))
    assert report_of(scorer, mixed_table()[0], tmp_path)["score"]["level"] == "strong"
    assert caplog.messages[0].startswith("strong drift, in 0 of 4 columns: the score (PSI ")


def test_without_rows_drift_is_unknown_and_nothing_fails(scorer, tmp_path, caplog):
    report = report_of(scorer, mixed_table()[0][:0], tmp_path)
    assert (report["level"], report["columns"], report["score"]) == ("unknown", {}, None)
    assert caplog.messages[0].startswith("drift is unknown")
    assert to_drift_metrics(report)["n_drifted"] == {"value": 0, "step": 0}


def test_metrics_are_those_of_the_report():
    columns = {"a": Comparison(np.array([9, 9]), np.array([9, 9])), "b": CHANGED}
    report = summarise_drift(columns, {"score": CHANGED}, DriftConfig())
    psi, ks = report["columns"]["b"]["psi"], report["columns"]["b"]["ks"]
    values = {name: metric["value"] for name, metric in to_drift_metrics(report).items()}
    assert values == {
        "score_psi": psi,
        "score_ks": ks,
        "largest_psi": psi,
        "largest_ks": ks,
        "n_drifted": 1,
        "psi.a": 0,
        "psi.b": psi,
    }


def test_mlflow_takes_the_metrics_of_columns_of_any_name_but_not_of_thousands():
    names = ["plain", "share [%]", "a/b//..", "größe", "x" * 500, *map(str, range(200))]
    metrics = to_drift_metrics(summarise_drift(dict.fromkeys(names, CHANGED), {}, DriftConfig()))
    assert len([name for name in metrics if name.startswith("psi.")]) == MOST_LOGGED
    assert "psi.share ___" in metrics
    for name, metric in metrics.items():
        _validate_metric(f"drift.{name}", metric["value"], 0, metric["step"])
