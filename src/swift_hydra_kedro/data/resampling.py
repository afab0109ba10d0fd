"""What over-samplers share: one class after another grows, and sparse tables stay sparse."""

from __future__ import annotations

from abc import ABC, abstractmethod
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
    def _new_rows(self, X: np.ndarray, y: np.ndarray, label: Any, n_samples: int) -> tuple[np.ndarray, np.ndarray]:
        """Make rows `(m, P)` with labels `(m,)` so that the class `label` grows, by `n_samples` > 0 if they count."""

    def _fit_resample(self, X: Table, y: np.ndarray) -> tuple[Table, np.ndarray]:
        if not isinstance(X, np.ndarray):
            dense, label = self._fit_resample(X.toarray(), y)
            return X.__class__(dense), label
        made = [self._new_rows(X, y, label, n) for label, n in self.sampling_strategy_.items() if n]
        new_X, new_y = zip((X, y), *made, strict=True)
        return np.concatenate([rows.astype(X.dtype, copy=False) for rows in new_X]), np.concatenate(new_y)
