"""k-NN (Ramaswamy et al., SIGMOD 2000): the distance to the k-th nearest training row, by pyod.

pyod fails where there are no more rows than neighbours; here k is then as great as they allow, and the log says so.
"""

from __future__ import annotations

import logging
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from pyod.models.knn import KNN
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

logger = logging.getLogger(__name__)


class KNNDetector(BaseEstimator):
    """pyod's k-NN for any number of rows from two on. Labels are ignored."""

    def __init__(self, *, n_neighbors: int = 5) -> None:
        self.n_neighbors = n_neighbors

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Keep the rows `X (N, P)` to search in."""
        x = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        k = min(self.n_neighbors, len(x) - 1)
        if k < self.n_neighbors:
            logger.warning("k-NN takes %d neighbours, not %d: there are %d rows", k, self.n_neighbors, len(x))
        self.detector_ = KNN(n_neighbors=k).fit(x)
        return self

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Distance to the k-th nearest training row, `(N,)`."""
        check_is_fitted(self)
        return self.detector_.decision_function(validate_data(self, X, dtype=np.float64, reset=False))
