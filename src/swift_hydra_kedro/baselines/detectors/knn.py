"""k-NN as a detector (Ramaswamy et al., SIGMOD 2000), by pyod, and as a classifier, by scikit-learn.

Both libraries fail where there are too few rows; here k is then as great as they allow, and the log says so.
"""

from __future__ import annotations

import logging
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from pyod.models.knn import KNN
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.validation import check_is_fitted, validate_data

logger = logging.getLogger(__name__)


class KNNDetector(BaseEstimator):
    """Distance to the k-th nearest training row, for any number of rows from two on. Labels are ignored."""

    def __init__(self, *, n_neighbors: int = 5) -> None:
        self.n_neighbors = n_neighbors

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Keep the rows `X (N, P)` to search in."""
        x = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        self.detector_ = KNN(n_neighbors=_at_most(len(x) - 1, self.n_neighbors)).fit(x)
        return self

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Distance to the k-th nearest training row, `(N,)`."""
        check_is_fitted(self)
        return self.detector_.decision_function(validate_data(self, X, dtype=np.float64, reset=False))


class KNNClassifier(ClassifierMixin, BaseEstimator):
    """Share of each class among the k nearest training rows."""

    def __init__(self, *, n_neighbors: int = 10) -> None:
        self.n_neighbors = n_neighbors

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Keep the rows `X (N, P)` to search in, and their labels `y (N,)`."""
        x, label = validate_data(self, X, y, dtype=np.float64)
        self.classifier_ = KNeighborsClassifier(_at_most(len(x), self.n_neighbors)).fit(x, label)
        self.classes_ = self.classifier_.classes_
        return self

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Shares of the classes, `(N, classes)`."""
        check_is_fitted(self)
        return self.classifier_.predict_proba(validate_data(self, X, dtype=np.float64, reset=False))

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Labels, `(N,)`."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]


def _at_most(n_rows: int, k: int) -> int:
    if n_rows < k:
        logger.warning("k-NN takes %d neighbours, not %d: there are no more", n_rows, k)
    return min(n_rows, k)
