"""XGBOD (Zhao and Hryniewicki, IJCNN 2018): boosted trees on the rows and the scores of 41 unsupervised detectors."""

from __future__ import annotations

import warnings
from typing import Self

import numpy as np
from pyod.models.xgbod import XGBOD


class XGBODDetector(XGBOD):
    """pyod's, without its warning that labels are not for unsupervised learning: this detector learns from them."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Train on rows `X (N, P)` with labels `y (N,)`, 1 = anomaly."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="y should not be presented")
            return super().fit(X, y)
