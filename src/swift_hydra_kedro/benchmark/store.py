"""The results: a folder with a Parquet file of one row for each cell, or one for many, written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq

from swift_hydra_kedro._version import __version__
from swift_hydra_kedro.baselines.registry import get_method
from swift_hydra_kedro.benchmark.cell import Budget, Record
from swift_hydra_kedro.benchmark.grid import Cell
from swift_hydra_kedro.data.atomic import whole_or_nothing

_PER_CLASS = [(f"{name}_{label}", pa.float64()) for label in (0, 1) for name in ("precision", "recall", "f1")]
SCHEMA = pa.schema(
    [
        ("dataset", pa.string()),
        ("train_size", pa.float64()),
        ("seed", pa.int64()),
        ("detector", pa.string()),
        ("oversampler", pa.string()),
        ("method", pa.string()),
        ("auc_roc", pa.float64()),
        ("auc_roc_unseen", pa.float64()),
        ("auc_pr", pa.float64()),
        *_PER_CLASS,
        ("support_0", pa.int64()),
        ("support_1", pa.int64()),
        ("threshold", pa.float64()),
        ("rejected_share", pa.float64()),
        ("fit_seconds", pa.float64()),
        ("predict_seconds", pa.float64()),
        ("peak_memory", pa.int64()),
        ("n_train", pa.int64()),
        ("n_fitted", pa.int64()),
        ("n_features", pa.int64()),
        ("generated_beyond", pa.float64()),
        ("test_beyond", pa.float64()),
        ("rows", pa.map_(pa.string(), pa.list_(pa.list_(pa.float32())))),
        ("config", pa.string()),
        ("version", pa.string()),
        ("error", pa.string()),
        ("finished", pa.timestamp("us", tz="UTC")),
    ]
)


ALL = "cells.parquet"
NAME = [field.name for field in fields(Cell)]


@dataclass(frozen=True)
class CellStore:
    """The folder of results; a cell that is measured anew takes the place of what was known of it.

    A cell that is in several files, of one cell or of many, is as the one says that was finished last.
    """

    folder: Path

    def write(self, record: Record) -> None:
        """Add a cell: its file is there whole, or not at all, whenever the process ends."""
        table = pa.Table.from_pylist([record], schema=SCHEMA)
        self._write(table, f"{Cell.of(record).hash}.parquet", use_dictionary=False)  # it doubles what does not repeat

    def gather(self, other: CellStore) -> None:
        """Keep all cells of another store in one file, `cells.parquet`, in the place of what was in it."""
        self._write(other._table(), ALL, compression="zstd")

    def read(self) -> pd.DataFrame:
        """All cells, one row each, with the columns of `SCHEMA`; those that an older file lacks are null."""
        return self._table().to_pandas(maps_as_pydicts="strict")

    def sort(self, cells: Iterable[Cell], budget: Budget) -> Progress:
        """Tell what of the cells is to be measured yet.

        What another version of this package has measured, or a method with another configuration, is out of date; so is
        a cell without the rows that it is to keep.
        """
        known = {Cell.of(row): row for row in self._table().to_pylist()}
        progress = Progress([], [], [], {})
        for cell in cells:
            if (row := known.get(cell)) is None:
                progress.new.append(cell)
            elif not _is_current(row, cell, budget):
                progress.outdated.append(cell)
            elif row["error"] is None:
                progress.done.append(cell)
            else:
                progress.failed[cell] = row["error"]
        return progress

    def _write(self, table: pa.Table, name: str, **settings: Any) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with whole_or_nothing(self.folder / name) as part:
            pq.write_table(table, part, **settings)

    def _table(self) -> pa.Table:
        files = sorted(self.folder.glob("*.parquet"))
        if not files:
            return SCHEMA.empty_table()
        table = pyarrow.dataset.dataset(files, schema=SCHEMA).to_table()
        names = table.select([*NAME, "finished"]).to_pandas()
        last = names.sort_values("finished", kind="stable").drop_duplicates(NAME, keep="last").index
        return table.take(np.sort(last))


@dataclass(frozen=True)
class Progress:
    """Cells not measured, measured otherwise than now, measured, and those that have failed, with the error."""

    new: list[Cell]
    outdated: list[Cell]
    done: list[Cell]
    failed: dict[Cell, str]


def _is_current(row: Record, cell: Cell, budget: Budget) -> bool:
    keeps = row["rows"] is not None or row["error"] is not None or not budget.keeps_rows(cell)
    return keeps and (row["config"], row["version"]) == (budget.hash_for(get_method(cell.method)), __version__)
