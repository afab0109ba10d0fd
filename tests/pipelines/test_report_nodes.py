"""The report's node, on a folder of cells as the benchmark leaves it, through the catalog's own data sets."""

import pandas as pd
import pytest
from kedro.io import DataCatalog

from swift_hydra_kedro.baselines.registry import DETECTORS
from swift_hydra_kedro.config import ReportConfig
from swift_hydra_kedro.pipelines.report.nodes import write_report


def cells():
    """Three methods, two data sets, as older versions kept them; one failed, one is not known any more."""
    rows = [
        {"dataset": dataset, "method": method, "detector": method, "auc_roc": auc_roc, "error": error}
        for dataset, shift in (("6_cardio", 0.0), ("40_vowels", -0.1))
        for method, auc_roc, error in (("extra_trees", 0.9 + shift, None), ("gone", 0.8, None), ("ecod", None, "E: x"))
    ]
    frame = pd.DataFrame(rows).assign(train_size=0.4, seed=0, oversampler=None, auc_pr=0.5, auc_roc_unseen=0.5)
    numbers = {f"{name}_{label}": 0.5 for name in ("precision", "recall", "f1") for label in (0, 1)}
    frame = frame.assign(**numbers, fit_seconds=1.0, predict_seconds=0.1, peak_memory=2**20, config="c", version="1")
    frame["finished"] = pd.Timestamp("2026-11-26", tz="UTC")
    return frame.astype({"auc_roc": float, "error": "string", "oversampler": "string"})


@pytest.fixture
def catalog(tmp_path):
    return DataCatalog.from_config(
        {
            "benchmark_cells": {
                "type": "swift_hydra_kedro.datasets.CellStoreDataset",
                "filepath": str(tmp_path / "cells"),
            },
            "benchmark_tables": {
                "type": "partitions.PartitionedDataset",
                "path": str(tmp_path / "tables"),
                "dataset": {"type": "text.TextDataset"},
            },
        }
    )


def test_a_folder_of_cells_becomes_a_page_and_tables(tmp_path, catalog):
    (tmp_path / "cells").mkdir()
    for i in range(len(cells())):
        cells().iloc[[i]].to_parquet(tmp_path / f"cells/{i}.parquet")
    (tmp_path / "cells/.0.parquet.part").write_text("torn")  # what a killed run may leave
    page, tables, gathered = write_report(catalog.load("benchmark_cells"), ReportConfig())
    catalog.save("benchmark_tables", tables)
    assert gathered == catalog.load("benchmark_cells")
    board = pd.read_csv(tmp_path / "tables/leaderboard.csv").set_index("method")
    assert board["auc_roc"].to_dict() == pytest.approx({"extra_trees": 0.85, "gone": 0.8})
    assert len(pd.read_csv(tmp_path / "tables/failures.csv")) == 2
    assert f'"family":"{DETECTORS["extra_trees"].family}"' in page
    assert '"gone":{"name":"Gone","own":false,"family":"not in the registry"' in page
    assert "| Extra Trees | 0.8500 |" in (tmp_path / "tables/README.md").read_text()


def test_without_cells_the_error_says_what_measures_them(catalog):
    with pytest.raises(ValueError, match="kedro run --pipeline=benchmark measures them"):
        write_report(catalog.load("benchmark_cells"), ReportConfig())
