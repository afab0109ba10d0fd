"""What over-samplers share: one class after another grows, and sparse tables stay sparse."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from scipy import sparse

Table: TypeAlias = np.ndarray | sparse.spmatrix | sparse.sparray


class ClassByClass(ABC):
    """Mixin before a base class of imbalanced-learn: each class that is to grow is the minority once.

    A subclass has `_new_rows`. Sparse rows are dense in between.
    """

    sampling_strategy_: dict[Any, int]

    @abstractmethod
    def _new_rows(self, X: np.ndarray, y: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Make rows `(m, P)` with labels `(m,)` for each of the classes that are `_growing`."""

    def _growing(self) -> Iterator[tuple[Any, int]]:
        """Classes that are to grow, and by how many rows, more than none."""
        return ((label, n) for label, n in self.sampling_strategy_.items() if n)

    def _fit_resample(self, X: Table, y: np.ndarray) -> tuple[Table, np.ndarray]:
        if not isinstance(X, np.ndarray):
            dense, label = self._fit_resample(X.toarray(), y)
            return X.__class__(dense), label
        new_X, new_y = zip((X, y), *self._new_rows(X, y), strict=True)
        return np.concatenate([_as_type(rows, X.dtype) for rows in new_X]), np.concatenate(new_y)


def _as_type(rows: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Rows in the type of the table, the nearest that it can say."""
    if rows.dtype == dtype or dtype.kind not in "biu":
        return rows.astype(dtype, copy=False)
    least, most = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return np.rint(rows).clip(least, most).astype(dtype)
