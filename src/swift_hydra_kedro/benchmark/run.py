"""A benchmark from its configuration to its results: what is missing is measured, and each cell is kept at once."""

from __future__ import annotations

import importlib.util
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from swift_hydra_kedro.benchmark.bar import CellBar
from swift_hydra_kedro.benchmark.cell import Budget, Record
from swift_hydra_kedro.benchmark.grid import Cell, Shape, cells_of, longest_first
from swift_hydra_kedro.benchmark.store import CellStore
from swift_hydra_kedro.config import BenchmarkConfig, TablesConfig
from swift_hydra_kedro.data.sources import RawTables

logger = logging.getLogger(__name__)


def run_benchmark(
    config: BenchmarkConfig,
    budget: Budget,
    raw_tables: RawTables,
    tables: TablesConfig,
    store: CellStore,
    on_record: Callable[[Record], None] = lambda record: None,
) -> dict[str, Any]:
    """Measure the cells of the grid that are not in the store.

    Returns
    -------
    dict
        `preset`, `n_cells` of the grid, of which `n_known` were there before and `n_measured` were measured, `n_failed`
        of all, `failures` by error, and `seconds`.

    Raises
    ------
    ImportError
        If Dask, or a method's library, is missing.
    ValueError
        If a data set or a method is unknown.
    ConnectionError
        If the cluster cannot be reached or is lost.
    """
    if importlib.util.find_spec("distributed") is None:
        raise ImportError("the benchmark needs Dask: pip install -e '.[dask]'")
    start = time.perf_counter()
    cells, shapes = _within_bounds(cells_of(config, raw_tables, tables), config, raw_tables, tables)
    todo = longest_first(_missing(cells, budget, store, config.retry_failed), shapes)
    if todo:
        _measure(todo, shapes, config, budget, raw_tables, tables, store, on_record)
    failures = Counter(store.sort(cells, budget).failed.values()).most_common()
    for error, n in failures:
        logger.warning("%d cells have failed, which benchmark.retry_failed=true measures again: %s", n, error)
    return {
        "preset": config.preset,
        "n_cells": len(cells),
        "n_known": len(cells) - len(todo),
        "n_measured": len(todo),
        "n_failed": sum(n for _, n in failures),
        "failures": dict(failures),
        "seconds": round(time.perf_counter() - start, 3),
    }


def _within_bounds(
    cells: Sequence[Cell], config: BenchmarkConfig, raw_tables: RawTables, tables: TablesConfig
) -> tuple[list[Cell], dict[str, Shape]]:
    """The cells of tables that are not too large, and the shapes of these tables."""
    shapes: dict[str, Shape] = {}
    for dataset in dict.fromkeys(cell.dataset for cell in cells):
        try:
            shapes[dataset] = raw_tables.shape(dataset, tables)
        except Exception as error:  # it is told again, and recorded, when the cells are to be measured
            logger.warning("%s cannot be read: %s", dataset, error)
            shapes[dataset] = (0, 0)
    if config.max_rows is not None:
        large = [dataset for dataset, (n_rows, _) in shapes.items() if n_rows > config.max_rows]
        if large:
            logger.warning("%d data sets have more than %d rows: %s", len(large), config.max_rows, ", ".join(large))
        cells = [cell for cell in cells if cell.dataset not in large]
    return list(cells), shapes


def _missing(cells: Sequence[Cell], budget: Budget, store: CellStore, retry_failed: bool) -> list[Cell]:
    progress = store.sort(cells, budget)
    if progress.outdated:
        logger.warning(
            "%d cells were measured with another configuration or version, or without rows to be kept, and are "
            "measured again",
            len(progress.outdated),
        )
    if progress.failed and not retry_failed:
        logger.info("%d cells have failed before, and are not tried again", len(progress.failed))
    return progress.new + progress.outdated + (list(progress.failed) if retry_failed else [])


def _measure(
    cells: Sequence[Cell],
    shapes: dict[str, Shape],
    config: BenchmarkConfig,
    budget: Budget,
    raw_tables: RawTables,
    tables: TablesConfig,
    store: CellStore,
    on_record: Callable[[Record], None],
) -> None:
    from swift_hydra_kedro.benchmark.runner import SETTINGS, run_cells  # these two need Dask
    from swift_hydra_kedro.cluster import connect

    with (
        connect(config.scheduler, config.workers, config.memory_per_worker, SETTINGS) as client,
        CellBar({cell: cell.estimate(shapes[cell.dataset]) for cell in cells}) as bar,
    ):
        bar.write(f"Dask dashboard: {client.dashboard_link}")
        for record in run_cells(client, cells, budget, lambda dataset: raw_tables.read(dataset, tables)):
            store.write(record)
            on_record(record)
            bar.count(record)
