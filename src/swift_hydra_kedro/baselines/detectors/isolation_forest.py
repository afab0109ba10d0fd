"""Isolation forest (Liu et al., 2008) with scores that rise with abnormality."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.ensemble import IsolationForest
from sklearn.utils.validation import check_is_fitted, validate_data


class IsolationForestDetector(BaseEstimator):
    """scikit-learn's forest, which scores normal rows high, the other way round.

    Parameters
    ----------
    n_estimators : int
        Trees.
    n_jobs : int or None
        Threads, as in scikit-learn.
    random_state : int, RandomState or None
        Source of all randomness.
    """

    def __init__(
        self,
        *,
        n_estimators: int = 100,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Grow the trees on rows `X (N, P)`; labels are ignored."""
        x = validate_data(self, X)
        settings = {"n_estimators": self.n_estimators, "n_jobs": self.n_jobs, "random_state": self.random_state}
        self.forest_ = IsolationForest(**settings).fit(x)
        return self

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Abnormality, `(N,)`: higher is more anomalous."""
        check_is_fitted(self)
        return -self.forest_.score_samples(validate_data(self, X, reset=False))
