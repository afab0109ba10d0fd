"""What cells cost, learnt from those that were measured: seconds by method and size, and the time on many workers.

The seconds of a fit are a constant and a power law of training rows and columns, those of scoring one of test rows,
columns and training rows, as neighbours are looked for among these. The constant matters: many methods take the same
time for all small tables, and a mere power law would carry that flat part on to large ones.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.optimize import least_squares

from swift_hydra_kedro.baselines.registry import DETECTORS, get_method
from swift_hydra_kedro.benchmark.grid import Cell, Shape

FIT = {"n_fitted": 1.0, "n_features": 1.0}  # sizes that the seconds depend on, and exponents where cells do not tell
PREDICT = {"n_test": 1.0, "n_features": 1.0, "n_fitted": 0.0}
LARGEST = 1.5  # exponent: methods of quadratic cost have a limit on their rows
PRIOR_WEIGHT = 1.0  # of an exponent's distance from the one above, in squared residuals of log seconds
MIN_DATASETS = 5  # that a law is fitted to
SHORTEST = 1e-4  # seconds that are told apart from none
COLUMNS = [
    *("method", "detector", "dataset", "train_size"),
    *("n_fitted", "n_test", "n_features", "estimate", "oversampling"),
]


@dataclass(frozen=True)
class PowerLaw:
    """Seconds by a cell's sizes: ``constant + scale * product(sizes ** exponents)``."""

    constant: float
    scale: float
    exponents: np.ndarray

    @classmethod
    def fit(cls, sizes: np.ndarray, seconds: np.ndarray, expected: np.ndarray) -> PowerLaw:
        """Least squares of log seconds, so that a factor counts alike for short and for long cells.

        The constant is at most the shortest of the seconds: a larger one would take noise for a steep law above it.
        Exponents are within 0 and `LARGEST`, drawn to what is expected of them. In the end all is multiplied such that
        the seconds add up to those measured: the exponential of a mean logarithm is less than the mean.

        Parameters
        ----------
        sizes : `(C, S)`, positive
        seconds : `(C,)`
        expected : exponents `(S,)`
        """
        logs, seconds = np.log(sizes), np.maximum(seconds, SHORTEST)
        centre, shortest = logs.mean(axis=0), seconds.min()

        def residuals(given: np.ndarray) -> np.ndarray:
            found = given[0] * shortest + np.exp(given[1] + (logs - centre) @ given[2:])
            return np.concatenate([np.log(found / seconds), PRIOR_WEIGHT**0.5 * (given[2:] - expected)])

        start = np.array([0.5, np.log(seconds).mean(), *np.clip(expected, 0.1, LARGEST - 0.1)])  # bounds bar the way
        lowest, highest = [0, -np.inf, *(0 * expected)], [1, np.inf, *(LARGEST + 0 * expected)]
        share, level, *exponents = least_squares(residuals, start, bounds=(lowest, highest)).x
        law = cls(share * shortest, float(np.exp(level - centre @ exponents)), np.array(exponents))
        factor = seconds.sum() / law(sizes).sum()
        return cls(factor * law.constant, factor * law.scale, law.exponents)

    def __call__(self, sizes: np.ndarray) -> np.ndarray:
        """Seconds `(C,)` of cells of these sizes `(C, S)`."""
        return self.constant + self.scale * np.exp(np.log(sizes) @ self.exponents)


@dataclass(frozen=True)
class CostModel:
    """Seconds of a cell by its method, fit and scoring together.

    A method with cells of less than `MIN_DATASETS` data sets is expected to take what `Cell.estimate` says, multiplied
    such that its cells add up. One without any cell is guessed: to take as long as its detector alone, or else as the
    median method of the detector's family, and its over-sampler what `Cell.estimate` says, multiplied as for the median
    method. If there is no law of the family either, all of it is estimated so.

    Attributes
    ----------
    laws : of fitting and of scoring, by method with cells of enough data sets
    ratios : what the cells of a method took as a multiple of `Cell.estimate`, by method with cells
    """

    laws: Mapping[str, tuple[PowerLaw, PowerLaw]]
    ratios: pd.Series

    @classmethod
    def fit(cls, measured: pd.DataFrame) -> CostModel:
        """Learn from what `measured_cells` gives.

        Raises
        ------
        ValueError
            If there is no cell.
        """
        if measured.empty:
            raise ValueError("no cell has been measured from which the cost of others could be learnt")
        laws = {
            str(method): (_law(cells, FIT, "fit_seconds"), _law(cells, PREDICT, "predict_seconds"))
            for method, cells in measured.groupby("method")
            if cells["dataset"].nunique() >= MIN_DATASETS
        }
        sums = measured.groupby("method")[["seconds", "estimate"]].sum()
        return cls(laws, sums["seconds"] / sums["estimate"])

    def without(self, method: str) -> CostModel:
        """The model as if the method had no cell."""
        return CostModel({name: law for name, law in self.laws.items() if name != method}, self.ratios.drop(method))

    def basis(self, method: str) -> Literal["learnt", "scaled", "guessed"]:
        """How the seconds of a method are known: by laws, as a multiple of `Cell.estimate`, or by other methods."""
        if method in self.laws:
            return "learnt"
        return "scaled" if method in self.ratios else "guessed"

    def seconds(self, cells: pd.DataFrame) -> pd.Series:
        """What cells, as `sized_cells` gives them, are expected to take."""
        seconds = pd.Series(np.nan, cells.index)
        for (method, detector), part in cells.groupby(["method", "detector"]):
            seconds[part.index] = self._of_method(method, detector, part)
        return seconds

    def _of_method(self, method: str, detector: str, cells: pd.DataFrame) -> np.ndarray:
        match self.basis(method):
            case "learnt":
                return self._learnt(method, cells)
            case "scaled":
                return cells["estimate"].to_numpy() * self.ratios[method]
            case "guessed":
                return self._guessed(detector, cells)

    def _guessed(self, detector: str, cells: pd.DataFrame) -> np.ndarray:
        kin = [detector] if detector in self.laws else self._family(DETECTORS[detector].family)
        if not kin:
            return cells["estimate"].to_numpy() * self.ratios.median()
        alone = np.median([self._learnt(name, cells) for name in kin], axis=0)
        return alone + cells["oversampling"].to_numpy() * self.ratios.median()

    def _family(self, family: str) -> list[str]:
        return [name for name in self.laws if get_method(name).detector.family == family]

    def _learnt(self, method: str, cells: pd.DataFrame) -> np.ndarray:
        fit, predict = self.laws[method]
        return fit(cells[list(FIT)].to_numpy()) + predict(cells[list(PREDICT)].to_numpy())


def _law(cells: pd.DataFrame, sizes: Mapping[str, float], seconds: str) -> PowerLaw:
    return PowerLaw.fit(cells[list(sizes)].to_numpy(), cells[seconds].to_numpy(), np.array(list(sizes.values())))


def sized_cells(cells: Iterable[tuple[Cell, Shape]]) -> pd.DataFrame:
    """Cells with the shapes of their data sets as a frame.

    Returns
    -------
    DataFrame
        `method`, `detector`, `dataset`, `train_size`; `n_fitted`, `n_test`, `n_features`, sizes; `estimate`, the
        cell's, and `oversampling`, the over-sampler's part of it.
    """
    return pd.DataFrame([_sized(cell, shape) for cell, shape in cells], columns=COLUMNS)


def _sized(cell: Cell, shape: Shape) -> tuple[Any, ...]:
    n_rows, n_features = shape
    sizes = cell.n_fitted(n_rows), n_rows * (1 - cell.train_size), n_features
    estimate, alone = cell.estimate(shape), replace(cell, oversampler=None).estimate(shape)
    return cell.method, cell.detector, cell.dataset, cell.train_size, *map(float, sizes), estimate, estimate - alone


def measured_cells(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Those of the records that have not failed, as `sized_cells` gives them, and what they took.

    Returns
    -------
    DataFrame
        Also `fit_seconds`, `predict_seconds`, and `seconds`, their sum.
    """
    done = [record for record in records if record["error"] is None]
    shapes = [(one["n_train"] + one["support_0"] + one["support_1"], one["n_features"]) for one in done]
    cells = sized_cells(zip(map(Cell.of, done), shapes, strict=True))
    took = pd.DataFrame(done, columns=["fit_seconds", "predict_seconds"], dtype=float)
    return cells.join(took).assign(seconds=took.sum(axis=1))


def leave_one_out(measured: pd.DataFrame) -> pd.Series:
    """What cells would be expected to take by those of all other data sets, of which there must be one."""
    expected = pd.Series(np.nan, measured.index)
    for dataset, cells in measured.groupby("dataset"):
        expected[cells.index] = CostModel.fit(measured[measured["dataset"] != dataset]).seconds(cells)
    return expected


def makespan(seconds: Iterable[float], n_workers: int) -> float:
    """When the last cell is done, if each worker that is free takes the next one in the order given."""
    free = [0.0] * n_workers
    for one in seconds:
        heapq.heapreplace(free, free[0] + one)
    return max(free)
