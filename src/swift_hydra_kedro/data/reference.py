"""Training rows that a model keeps, to show how a new row differs from normal ones and which anomalies it is like."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

from swift_hydra_kedro.data.checkpoint import Checkpoint
from swift_hydra_kedro.data.columns import to_text

MAX_NORMAL, MAX_ANOMALIES = 100, 2000


@dataclass(frozen=True)
class Reference:
    """Scaled training rows of both classes, in random order.

    Attributes
    ----------
    normal
        Array of shape (N, P).
    anomalies
        Array of shape (A, P).
    known
        Frame of A rows that says which rows of the source the anomalies are: the index has their numbers, the columns,
        of text, their ids, if they have any.
    """

    normal: np.ndarray
    anomalies: np.ndarray
    known: pd.DataFrame

    @classmethod
    def draw(cls, x: np.ndarray, y: np.ndarray, known: pd.DataFrame, rng: np.random.Generator) -> Self:
        """Draw from training rows `x (N, P)` with labels `y (N,)`, which `known` names."""
        normal = rng.permutation(np.flatnonzero(y == 0))[:MAX_NORMAL]
        anomalous = rng.permutation(np.flatnonzero(y == 1))[:MAX_ANOMALIES]
        return cls(x[normal], x[anomalous], known.iloc[anomalous].apply(lambda ids: to_text(ids).fillna("")))

    def nearest(self, x: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of the n anomalies nearest to each scaled row, that first, and their distances.

        A distance is the root mean square difference over features. `(N, P)` -> `(N, n)` each, less where there are
        fewer anomalies.
        """
        distance = _distances(x, self.anomalies)
        order = distance.argsort(axis=1, kind="stable")[:, :n]
        return order, np.take_along_axis(distance, order, axis=1)

    @cached_property
    def typical_distance(self) -> float:
        """Median distance of an anomaly from the nearest other one; NaN if there is but one."""
        if len(self.anomalies) < 2:
            return np.nan
        distance = _distances(self.anomalies, self.anomalies)
        np.fill_diagonal(distance, np.inf)
        return float(np.median(distance.min(axis=1)))

    def to_checkpoint(self) -> Checkpoint:
        """The rows as arrays, their ids as JSON."""
        tensors = {"normal": self.normal, "anomalies": self.anomalies, "row": self.known.index.to_numpy(np.int64)}
        return Checkpoint(tensors, {str(name): ids.tolist() for name, ids in self.known.items()})

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint) -> Self:
        """Rebuild from what `to_checkpoint` gave."""
        known = pd.DataFrame(checkpoint.state, index=checkpoint.tensors["row"], dtype=object)
        return cls(checkpoint.tensors["normal"], checkpoint.tensors["anomalies"], known)


def _distances(x: np.ndarray, others: np.ndarray) -> np.ndarray:
    return cdist(x, others) / np.sqrt(x.shape[1])
