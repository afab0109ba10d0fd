"""RejEx (Perini and Davis, NeurIPS 2023): an isolation forest that rejects rows on which it is not stable, by pyod.

Rejection does not change scores: all rows have one. A row is rejected if the probability that its prediction stays the
same under other training rows is at most `1 - 2 exp(-T)`.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from pyod.models.iforest import IForest
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

REJECTED = -2


class RejExDetector(BaseEstimator):
    """pyod's isolation forest with its rejection. Labels are ignored.

    Parameters
    ----------
    contamination : float
        Share of anomalies that the predictions assume; an unsupervised method does not know that of the labels.
    tolerance : float
        The paper's T.
    """

    def __init__(
        self,
        *,
        n_estimators: int = 100,
        contamination: float = 0.1,
        tolerance: float = 32,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.contamination = contamination
        self.tolerance = tolerance
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Grow the forest on rows `X (N, P)`."""
        x = validate_data(self, X, dtype=np.float64)
        self.detector_ = IForest(
            n_estimators=self.n_estimators, contamination=self.contamination, random_state=self.random_state
        ).fit(x)
        return self

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Abnormality, `(N,)`: higher is more anomalous."""
        check_is_fitted(self)
        return self.detector_.decision_function(validate_data(self, X, dtype=np.float64, reset=False))

    def rejects(self, X: ArrayLike) -> np.ndarray:
        """Whether a row is rejected, `(N,)`, bool."""
        check_is_fitted(self)
        x = validate_data(self, X, dtype=np.float64, reset=False)
        predicted = self.detector_.predict_with_rejection(x, T=self.tolerance, c_r=self.contamination)
        return predicted == REJECTED
