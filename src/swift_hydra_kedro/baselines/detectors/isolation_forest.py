"""Isolation forest (Liu et al., 2008) with scores that rise with abnormality."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.ensemble import IsolationForest


class IsolationForestDetector(IsolationForest):
    """scikit-learn's forest, which scores normal rows high, the other way round. Labels are ignored."""

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Abnormality, `(N,)`: higher is more anomalous."""
        return -super().score_samples(X)
