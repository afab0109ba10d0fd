"""XGBoost with the linear booster, at a rate that converges."""

from __future__ import annotations

import logging
from typing import Any, Self

import numpy as np
from sklearn.metrics import log_loss
from xgboost import XGBClassifier

logger = logging.getLogger(__name__)
RATES = (0.5, 0.1, 0.02)  # XGBoost's own first


class LinearXGBoost(XGBClassifier):
    """Boosted linear functions, coordinate by coordinate.

    On many correlated columns, such as the 512 of ADBench's images, XGBoost's rate diverges: every row then gets the
    same probability. A lower one takes its place here if the training rows' loss is no less than that of their base
    rate.
    """

    def fit(self, X: np.ndarray, y: np.ndarray, **settings: Any) -> Self:
        """Train on rows `X (N, P)` with labels `y (N,)`, 1 = anomaly; with `xgb_model`, at the rate as it is."""
        if "xgb_model" in settings:
            return super().fit(X, y, **settings)
        base = log_loss(y, np.full(len(y), np.mean(y)), labels=[0, 1])
        for rate in RATES:
            self.set_params(learning_rate=rate)
            super().fit(X, y, **settings)
            if log_loss(y, self.predict_proba(X)[:, 1].astype(float), labels=[0, 1]) < base:
                break
            logger.warning("XGBoost's linear booster diverges at a rate of %g", rate)
        return self
