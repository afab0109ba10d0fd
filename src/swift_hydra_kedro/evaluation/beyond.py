"""Whether generated anomalies go beyond the training anomalies: what the paper claims by its figure 3, as a number."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors

from swift_hydra_kedro.evaluation.names import WHOLE

QUANTILE = 0.95


def share_beyond(rows: np.ndarray, anomalies: np.ndarray) -> float | None:
    """Share of rows that are farther from the training anomaly nearest to them than most of these are from each other.

    "Most" are `QUANTILE` of the distances from each training anomaly to the nearest other one; equal ones count once.
    Of new anomalies drawn like those of training, about a share of 1 - `QUANTILE` thus lies beyond.

    Parameters
    ----------
    rows : scaled, `(M, P)`
    anomalies : those of training, scaled, `(A, P)`

    Returns
    -------
    float or None
        None if there are no rows, or fewer than two different anomalies.
    """
    known = np.unique(anomalies, axis=0)
    if not len(rows) or len(known) < 2:
        return None
    search = NearestNeighbors(n_neighbors=1).fit(known)
    between, _ = search.kneighbors()  # of each anomaly to the nearest other one, (A, 1)
    distance, _ = search.kneighbors(rows)  # (M, 1)
    return float((distance > np.quantile(between, QUANTILE)).mean())


def by_oversampler(results: pd.DataFrame) -> pd.DataFrame:
    """Cells of a benchmark by what generates: `method` is the over-sampler, whatever it feeds, or Swift Hydra."""
    part = results[results["oversampler"].notna() | (results["method"] == WHOLE)]
    return part.assign(method=part["oversampler"].fillna(WHOLE))
