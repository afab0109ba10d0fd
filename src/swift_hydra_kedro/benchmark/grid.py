"""The cells of a grid, and the order in which they are measured: the longest first."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from itertools import product
from typing import Any

from swift_hydra_kedro.baselines.registry import check_names, get_method, name_of
from swift_hydra_kedro.benchmark.presets import Datasets, grids_of
from swift_hydra_kedro.config import BenchmarkConfig, TablesConfig
from swift_hydra_kedro.data.sources import RawTables

logger = logging.getLogger(__name__)

Shape = tuple[int, int]
# Seconds of a fit by method, on one core: for any table, and for a million numbers in the training rows beside it.
SECONDS = {
    "swift_hydra": (60.0, 60.0),
    "adgym_search": (60.0, 60.0),
    "mixann": (60.0, 60.0),
    "auto_smote": (60.0, 60.0),
    "vae_geometry": (60.0, 60.0),
    "feawad": (20.0, 60.0),
    "ft_transformer": (20.0, 200.0),
    "tabm": (20.0, 60.0),
    "dte_c": (20.0, 60.0),
    "catboost": (10.0, 20.0),
    "xgbod": (10.0, 20.0),
}
OTHERS = (1.0, 10.0)


@dataclass(frozen=True)
class Cell:
    """One method on one split of one data set; an over-sampler of None leaves the training rows as they are."""

    dataset: str
    train_size: float
    seed: int
    detector: str
    oversampler: str | None = None

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Cell:
        """The cell that a row of the results is about."""
        return cls(*(record[field.name] for field in fields(cls)))

    @property
    def method(self) -> str:
        """The registry's name of both together."""
        return name_of(self.detector, self.oversampler)

    @property
    def hash(self) -> str:
        """Names the cell in a file's name; the same on every machine."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    def estimate(self, shape: Shape) -> float:
        """About how many seconds it takes on a data set of `shape`, rows and columns: to compare, not to plan by."""
        n_rows, n_features = shape
        names = (name for name in (self.detector, self.oversampler) if name)
        costs = [
            SECONDS["swift_hydra"] if name.startswith("swift_hydra") else SECONDS.get(name, OTHERS) for name in names
        ]
        return sum(fixed + each * self.n_fitted(n_rows) * n_features / 1e6 for fixed, each in costs)

    def n_fitted(self, n_rows: int) -> float:
        """Training rows of a data set of `n_rows`, or as many as a method with a limit gets of them."""
        return min(n_rows * self.train_size, get_method(self.method).detector.max_rows or n_rows)


def cells_of(config: BenchmarkConfig, raw_tables: RawTables, tables: TablesConfig) -> list[Cell]:
    """The cells of the configured grid, each once.

    Raises
    ------
    ValueError
        If a data set or a method is unknown.
    ImportError
        If a method's library is missing.
    """
    cells: dict[Cell, None] = {}
    for grid in grids_of(config):
        datasets = _datasets(grid.datasets, raw_tables)
        of_splits = product(datasets, grid.train_sizes, grid.seeds, grid.detectors, grid.oversamplers)
        cells |= dict.fromkeys(Cell(*of_split) for of_split in of_splits)
    raw_tables.check_names(dict.fromkeys([*(cell.dataset for cell in cells), *config.keep_rows_of]), tables)
    check_names(dict.fromkeys(cell.method for cell in cells))
    return list(cells)


def longest_first(cells: Iterable[Cell], shapes: Mapping[str, Shape]) -> list[Cell]:
    """Cells in the order in which to measure them.

    Data sets come one after the other, so that few of them are in memory at a time: the one with the longest cell
    first, and of each the longest cell first. What is left for the end is the shortest of all.
    """
    seconds = {cell: cell.estimate(shapes[cell.dataset]) for cell in cells}
    longest: dict[str, float] = {}
    for cell, estimate in seconds.items():
        longest[cell.dataset] = max(estimate, longest.get(cell.dataset, 0.0))
    return sorted(seconds, key=lambda cell: (-longest[cell.dataset], cell.dataset, -seconds[cell]))


def _datasets(datasets: Datasets, raw_tables: RawTables) -> tuple[str, ...]:
    return tuple(raw_tables.adbench_files()) if datasets == "adbench" else datasets
