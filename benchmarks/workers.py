"""Wall seconds of the same small grid with 1 and with 2 workers, each in a fresh folder.

usage: python benchmarks/workers.py [--workers 1,2] [--preset quick] [--datasets digits,sine] [--detectors extra_trees]
                                    [--seeds 0,1] [--out docs/results/workers]

What `kedro run --pipeline=benchmark` does on a cluster of this machine, with the default budget and without MLflow. The
preset `quick` needs no file. Writes `workers.csv` and `workers.md`:

- `wall`, from before the cluster starts until the last cell is kept, and `start` of it, until the first cell is fitted;
- `in cells`, fits and scoring of all cells; more with two workers than with one is what they take from each other;
- `busy`, the share in cells of what the workers have after the start: `(wall - start) * workers`;
- `list schedule`, the wall seconds that `makespan` gives for these cells: what `benchmarks/scaling.py` counts by.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
from splits import words

from swift_hydra_kedro.benchmark.cell import Budget, Record
from swift_hydra_kedro.benchmark.cost import makespan
from swift_hydra_kedro.benchmark.grid import Cell, cells_of, longest_first
from swift_hydra_kedro.benchmark.presets import PRESETS
from swift_hydra_kedro.benchmark.run import run_benchmark
from swift_hydra_kedro.benchmark.store import CellStore
from swift_hydra_kedro.config import BenchmarkConfig, DecisionConfig, SwiftHydraConfig, TablesConfig
from swift_hydra_kedro.data.sources import RawTables
from swift_hydra_kedro.evaluation.comparison import markdown

NO_TABLES = TablesConfig({})


def main() -> None:
    """Measure, print and write."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--workers", type=words, default=["1", "2"])
    options.add_argument("--preset", default="quick", choices=PRESETS)
    options.add_argument("--datasets", type=words, help="without it the preset's")
    options.add_argument("--detectors", type=words, help="without it the preset's")
    options.add_argument("--seeds", type=words, default=["0", "1"])
    options.add_argument("--out", type=Path, default=Path("docs/results/workers"))
    given = options.parse_args()
    grid = {name: getattr(given, name) for name in ("preset", "datasets", "detectors", "seeds")}
    lines = [measure(BenchmarkConfig(**grid, workers=workers)) for workers in given.workers]
    table = pd.DataFrame(lines).set_index("workers")
    table["times as fast"] = table["wall"].iloc[0] / table["wall"]
    table.to_csv(given.out.with_suffix(".csv"), float_format="%.6g")
    text = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}.\n\n{markdown(table)}\n"
    given.out.with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


def measure(config: BenchmarkConfig) -> dict[str, float]:
    """Seconds of a run of the grid that finds nothing done.

    Raises
    ------
    RuntimeError
        If a cell fails: what it would have taken is not known.
    """
    budget = Budget(SwiftHydraConfig(), DecisionConfig().threshold, "cpu")
    with tempfile.TemporaryDirectory() as folder:
        raw_tables = RawTables(Path(folder) / "raw", Path(), os.environ.get("ADBENCH_MIRROR"))
        store = CellStore(Path(folder) / "cells")
        records: list[Record] = []
        begin = datetime.now(UTC)
        summary = run_benchmark(config, budget, raw_tables, NO_TABLES, store, records.append)
        cells = cells_of(config, raw_tables, NO_TABLES)
        shapes = {name: raw_tables.shape(name, NO_TABLES) for name in {cell.dataset for cell in cells}}
    if summary["n_failed"]:
        raise RuntimeError(f"{summary['n_failed']} cells have failed: {summary['failures']}")
    took = {Cell.of(record): record["fit_seconds"] + record["predict_seconds"] for record in records}
    first = min(record["finished"] - timedelta(seconds=took[Cell.of(record)]) for record in records)
    wall, start, in_cells = summary["seconds"], (first - begin).total_seconds(), sum(took.values())
    return {
        "workers": config.workers,
        "cells": len(cells),
        "wall": wall,
        "start": start,
        "in cells": in_cells,
        "busy": in_cells / (wall - start) / config.workers,
        "list schedule": makespan([took[cell] for cell in longest_first(cells, shapes)], config.workers),
    }


if __name__ == "__main__":
    main()
