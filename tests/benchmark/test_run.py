"""A benchmark in this process, with a stand-in for the cluster: what is measured, what is not, what is told."""

import contextlib
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from swift_hydra_kedro import cluster
from swift_hydra_kedro.benchmark import runner
from swift_hydra_kedro.benchmark.bar import CellBar
from swift_hydra_kedro.benchmark.cell import Budget, failed_cell
from swift_hydra_kedro.benchmark.run import run_benchmark
from swift_hydra_kedro.config import BenchmarkConfig, TableConfig, TablesConfig

from .conftest import NO_TABLES, cell

GRID = {"datasets": ("sine", "digits"), "train_sizes": (0.4,), "detectors": ("extra_trees", "logistic_regression")}


@pytest.fixture
def measured(monkeypatch):
    """The cells that the cluster would get, one after the other; those of `fails` fail."""
    cells, fails = [], set()

    @contextlib.contextmanager
    def connect(*_):
        yield SimpleNamespace(dashboard_link="http://127.0.0.1:8787/status")

    def run_cells(client, todo, budget, read):
        for one in todo:
            cells.append(one)
            error = ValueError("no good") if one in fails else None
            yield failed_cell(one, budget, error or ValueError()) | ({} if error else {"error": None})

    monkeypatch.setattr(cluster, "connect", connect)
    monkeypatch.setattr(runner, "run_cells", run_cells)
    return SimpleNamespace(cells=cells, fails=fails)


@pytest.fixture
def run_grid(measured, budget, raw_tables, store):
    """Run one with these settings; give the summary and the cells measured."""

    def run(budget=budget, tables=NO_TABLES, **settings):
        del measured.cells[:]
        config = BenchmarkConfig(**GRID | settings)
        return run_benchmark(config, budget, raw_tables, tables, store), list(measured.cells)

    return run


def test_all_cells_are_measured_and_kept(run_grid, store):
    summary, cells = run_grid()
    assert len(cells) == len(store.read()) == 4
    assert summary.pop("seconds") >= 0
    expected = {"preset": "quick", "n_cells": 4, "n_known": 0, "n_measured": 4, "n_failed": 0, "failures": {}}
    assert summary == expected


def test_a_restart_measures_what_is_missing(run_grid, store):
    run_grid()
    (store.folder / f"{cell('extra_trees').hash}.parquet").unlink()
    summary, cells = run_grid()
    assert cells == [cell("extra_trees")]
    assert (summary["n_known"], summary["n_measured"]) == (3, 1)
    assert run_grid()[1] == []


def test_another_configuration_is_measured_anew_and_told(run_grid, budget, caplog):
    detectors = ("swift_hydra", "extra_trees")
    run_grid(detectors=detectors)
    other = Budget(budget.config.updated({"synthesis": {"episodes": 3}}), budget.threshold)
    _, cells = run_grid(budget=other, detectors=detectors)
    assert {one.detector for one in cells} == {"swift_hydra"}
    assert "2 cells were measured with another configuration or version" in caplog.text


def test_failed_cells_are_told_and_measured_again_on_demand(run_grid, measured, caplog):
    measured.fails.add(cell("extra_trees"))
    summary, _ = run_grid()
    assert (summary["n_failed"], summary["failures"]) == (1, {"ValueError: no good": 1})
    assert "1 cells have failed, which benchmark.retry_failed=true measures again: ValueError: no good" in caplog.text
    assert run_grid()[1] == []
    measured.fails.clear()
    summary, cells = run_grid(retry_failed=True)
    assert cells == [cell("extra_trees")]
    assert summary["n_failed"] == 0


def test_large_data_sets_are_left_out_and_told(run_grid, caplog):
    summary, cells = run_grid(max_rows=1500)
    assert {one.dataset for one in cells} == {"sine"}
    assert summary["n_cells"] == 2
    assert "1 data sets have more than 1500 rows: digits" in caplog.text


def test_a_data_set_that_cannot_be_read_is_told_and_left_to_the_cells(run_grid, caplog):
    tables = TablesConfig({"mine": TableConfig(path="missing.csv")})
    _, cells = run_grid(tables=tables, datasets=("mine", "sine"))
    assert {one.dataset for one in cells} == {"mine", "sine"}
    assert "mine cannot be read" in caplog.text


def test_each_record_is_handed_on(measured, budget, raw_tables, store):
    handed = []
    run_benchmark(BenchmarkConfig(**GRID), budget, raw_tables, NO_TABLES, store, handed.append)
    assert [record["detector"] for record in handed] == [one.detector for one in measured.cells]


def test_the_dashboard_and_the_progress_are_told(run_grid, measured, capsys):
    measured.fails.add(cell("extra_trees"))
    run_grid()
    told = capsys.readouterr()
    assert "Dask dashboard: http://127.0.0.1:8787/status" in told.out + told.err
    assert re.search(r"100%\|.*\| 4/4 cells \[\d\d:\d\d, 1 failed, 0:00:00 left\]", told.err)


def test_without_dask_the_command_that_installs_it_is_told(run_grid, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r"pip install -e '\.\[dask\]'"):
        run_grid()


def test_the_time_left_is_told_by_what_is_left_to_do_not_by_the_number_of_cells(budget, monkeypatch):
    clock = iter(np.arange(0, 1000, 90.0))
    monkeypatch.setattr("swift_hydra_kedro.benchmark.bar.time.perf_counter", lambda: next(clock))
    long, short = cell("swift_hydra"), cell("ecod")
    with CellBar({long: 90, short: 10}) as bar:
        bar.count(failed_cell(long, budget, ValueError()))
        assert bar.bar.postfix == "1 failed, 0:00:10 left"
