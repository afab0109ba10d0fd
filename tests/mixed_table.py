"""A small table of numbers and text with missing values, and a model fitted on it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from swift_hydra_kedro import SwiftHydraClassifier

from .budgets import SMOKE


def mixed_table(n: int = 160, seed: int = 0) -> tuple[pd.DataFrame, pd.Series]:
    """Features and labels: one row in eight is an anomaly, larger and mostly of another colour."""
    rng = np.random.default_rng(seed)
    anomalous = np.arange(n) % 8 == 0
    frame = pd.DataFrame(
        {
            "size": rng.normal(size=n) + 3 * anomalous,
            "colour": np.where(anomalous & (rng.random(n) < 0.8), "red", rng.choice(["blue", "green"], n)),
            "count": rng.integers(0, 5, n),
            "noise": rng.normal(size=n),
        }
    )
    frame.loc[::11, "size"] = np.nan
    frame.loc[5::13, "colour"] = None
    return frame, pd.Series(anomalous.astype(int), name="y")


def fitted_classifier(**parameters: object) -> SwiftHydraClassifier:
    """Fitted on the mixed table with the smoke budget and without synthesis: a second."""
    settings = {"detection": SMOKE["detection"], "synthesis": {"enabled": False}, "random_state": 0}
    return SwiftHydraClassifier(**(settings | parameters)).fit(*mixed_table())
