"""What a benchmark's grid costs, worked out from the cells that were measured, and what of it is missing.

usage: python benchmarks/scaling.py CELLS [--preset table1 --preset table4] [--train-sizes 0.4,0.1] [--max-rows 20000]
                                    [--mirror FOLDER] [--out docs/results/scaling]

CELLS is a folder of a benchmark's cells, or a Parquet file of them. Seconds are learnt by method as a constant and a
power law of rows and columns, and held against those of each data set that was not learnt from. Then, for all methods
of the preset `all` on ADBench's 57 data sets with four train shares and five seeds: core-hours, and hours on 1 to 100
workers. Of each preset named, what is not among the cells, why (a larger data set than `--max-rows`, a file that the
mirror lacks, a train share that is not among `--train-sizes`, or simply not yet), and what it would cost. Writes
`scaling.csv`, a line for each method, `scaling_missing.csv`, and `scaling.md`.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.dataset
from paper_sets import PaperSets
from scaling_page import page
from splits import Record, words

from swift_hydra_kedro.benchmark.cost import CostModel, leave_one_out, measured_cells, sized_cells
from swift_hydra_kedro.benchmark.grid import Cell, Shape, cells_of, longest_first
from swift_hydra_kedro.benchmark.presets import PRESETS, SHARES
from swift_hydra_kedro.benchmark.store import SCHEMA
from swift_hydra_kedro.config import BenchmarkConfig, TablesConfig
from swift_hydra_kedro.data import adbench
from swift_hydra_kedro.evaluation.report.standing import provenance

SEEDS = (0, 1, 2, 3, 4)
NO_TABLES = TablesConfig({})


def main() -> None:
    """Learn, print and write."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("cells", type=Path)
    options.add_argument("--preset", action="append", default=[], choices=PRESETS, help="may be given several times")
    options.add_argument("--train-sizes", type=words, help="those that were to be measured; without it the preset's")
    options.add_argument("--max-rows", type=int, help="data sets of more rows were not to be measured")
    options.add_argument("--mirror", default=os.environ.get("ADBENCH_MIRROR"), help="by default ADBENCH_MIRROR")
    options.add_argument("--out", type=Path, default=Path("docs/results/scaling"))
    given = options.parse_args()
    results = pyarrow.dataset.dataset(given.cells, schema=SCHEMA).to_table()
    records = results.to_pylist()
    measured = measured_cells(records)
    model = CostModel.fit(measured)
    measured = measured.assign(expected=leave_one_out(measured))
    whole = planned(cells_of(whole_grid(), PaperSets(), NO_TABLES), model)
    methods = by_method(measured, whole, model).join(peak_memory(records))
    lacking = [missing(preset, records, model, given) for preset in given.preset]
    methods.to_csv(given.out.with_suffix(".csv"), float_format="%.6g")
    if lacking:
        file = given.out.with_name(f"{given.out.name}_missing.csv")
        pd.concat(lacking).to_csv(file, index=False, float_format="%.6g")
    text = page(
        provenance(results.to_pandas()), measured, whole, methods, dict(zip(given.preset, lacking, strict=True))
    )
    given.out.with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


def whole_grid() -> BenchmarkConfig:
    """All methods of all presets on the 57 data sets."""
    return BenchmarkConfig(preset="all", datasets=tuple(PaperSets().adbench_files()), train_sizes=SHARES, seeds=SEEDS)


def planned(cells: list[Cell], model: CostModel) -> pd.DataFrame:
    """Cells in the order in which a benchmark measures them, with the `seconds` that they are expected to take."""
    shapes = _shapes(cells)
    table = sized_cells((cell, shapes[cell.dataset]) for cell in longest_first(cells, shapes))
    return table.assign(seconds=model.seconds(table))


def _shapes(cells: list[Cell]) -> dict[str, Shape]:
    sets = PaperSets()
    return {dataset: sets.shape(dataset, NO_TABLES) for dataset in dict.fromkeys(cell.dataset for cell in cells)}


def by_method(measured: pd.DataFrame, whole: pd.DataFrame, model: CostModel) -> pd.DataFrame:
    """What the whole grid costs by method, and how that is known.

    Parameters
    ----------
    measured : with the seconds `expected` by the other data sets' cells
    whole : the whole grid's cells with their `seconds`

    Returns
    -------
    DataFrame
        By `method`, the dearest first: `core_hours`, `longest_hours` of a cell; `basis` of these, see `CostModel`;
        `cells`, `datasets`, `most_rows` in a fit that are known; exponents of `rows` and `columns` in it;
        `median_factor` and `factor_90` between expected and measured seconds, `expected_ratio` of their sums, and
        `guessed_ratio`, the same as if the method had no cell.
    """
    cost, own = whole.groupby("method")["seconds"], measured.groupby("method")
    factor = np.exp(np.log(measured["expected"] / measured["seconds"]).abs()).groupby(measured["method"])
    guessed = {method: model.without(str(method)).seconds(cells).sum() for method, cells in own}
    exponents = {method: fit.exponents for method, (fit, _) in model.laws.items()}
    planned = pd.DataFrame({"core_hours": cost.sum() / 3600, "longest_hours": cost.max() / 3600})
    known = pd.DataFrame(
        {
            "cells": own.size(),
            "datasets": own["dataset"].nunique(),
            "most_rows": own["n_fitted"].max(),
            "rows": pd.Series({method: found[0] for method, found in exponents.items()}, dtype=float),
            "columns": pd.Series({method: found[1] for method, found in exponents.items()}, dtype=float),
            "median_factor": factor.median(),
            "factor_90": factor.quantile(0.9),
            "expected_ratio": own["expected"].sum() / own["seconds"].sum(),
            "guessed_ratio": pd.Series(guessed) / own["seconds"].sum(),
        }
    )
    planned["basis"] = planned.index.map(model.basis)
    table = planned.join(known).sort_values("core_hours", ascending=False)
    return table.fillna({"cells": 0, "datasets": 0, "most_rows": 0}).astype({"cells": int, "datasets": int})


def peak_memory(records: list[Record]) -> pd.Series:
    """The most GiB that a worker had, by method: `peak_gib`."""
    return (pd.DataFrame(records).groupby("method")["peak_memory"].max() / 2**30).rename("peak_gib")


def missing(preset: str, records: list[Record], model: CostModel, given: argparse.Namespace) -> pd.DataFrame:
    """Cells of a preset that are not among the records: `preset`, `why`, `dataset`, number of `cells`, `core_hours`."""
    known = {Cell.of(record) for record in records}
    cells = [cell for cell in cells_of(BenchmarkConfig(preset=preset), PaperSets(), NO_TABLES) if cell not in known]
    there = adbench.held_by(given.mirror) if given.mirror else adbench.stems()
    absent = set(adbench.stems()) - set(there)
    n_rows = {dataset: shape[0] for dataset, shape in _shapes(cells).items()}
    table = planned(cells, model)
    why = [_why(row.dataset, row.train_size, n_rows[row.dataset], absent, given) for row in table.itertuples()]
    groups = table.assign(why=why, preset=preset).groupby(["preset", "why", "dataset"])["seconds"]
    found = groups.agg(cells="size", core_hours="sum").reset_index()
    return found.assign(core_hours=found["core_hours"] / 3600)


def _why(dataset: str, train_size: float, n_rows: int, absent: set[str], given: argparse.Namespace) -> str:
    if given.max_rows is not None and n_rows > given.max_rows:
        return f"more than {given.max_rows:,} rows"
    if dataset in absent:
        return "not in the mirror"
    if given.train_sizes and train_size not in map(float, given.train_sizes):
        return "another train share"
    return "not measured yet"


if __name__ == "__main__":
    main()
