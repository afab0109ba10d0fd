"""Data sets that need no download: two made from what scikit-learn ships, and the paper's toy example."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_digits

from swift_hydra_kedro.data.table import LabelledTable

_SEED = 0  # which anomalies are kept is part of the data set, not of a run


def breast_cancer() -> LabelledTable:
    """Malignant tumours (10 %) among benign ones, 397 rows.

    Features are the ten standard errors (how much radius, texture, ... vary between the cells of one
    image). The means and maxima are left out: with them a logistic regression reaches AUC-ROC 0.99.
    """
    data = load_breast_cancer(as_frame=True)
    features = data.data.filter(like=" error")
    return _with_rare_anomalies(features, (data.target == 0).to_numpy(), share=0.1)


def digits() -> LabelledTable:
    """Eights (5 %) among the other handwritten digits, 1708 rows.

    Features are the ink in each of the image's 8 rows and 8 columns of pixels (0 to 128): an eight lies between
    the other digits, so a linear model finds little (AUC-ROC 0.86) and trees much (0.98).
    """
    data = load_digits()
    ink = np.hstack([data.images.sum(axis=2), data.images.sum(axis=1)])  # (N, 8 rows + 8 columns)
    names = [f"ink_{line}_{i}" for line in ("row", "column") for i in range(8)]
    return _with_rare_anomalies(pd.DataFrame(ink, columns=names), data.target == 8, share=0.05)


def sine(n_rows: int = 1000, share: float = 0.05, noise: float = 0.1) -> LabelledTable:
    """Make the paper's toy example (C.3): normal rows on a noisy sine curve, anomalies scattered around it.

    Parameters
    ----------
    n_rows
        Rows in all.
    share
        Share of anomalies, uniform in x in [-pi, pi], y in [-2, 2].
    noise
        Standard deviation of a normal row's distance from the curve, along y.
    """
    rng = np.random.default_rng(_SEED)
    n_anomalies = round(share * n_rows)
    x = rng.uniform(-np.pi, np.pi, n_rows)
    y = np.sin(x) + noise * rng.standard_normal(n_rows)
    anomalous = np.arange(n_rows) >= n_rows - n_anomalies
    y[anomalous] = rng.uniform(-2, 2, n_anomalies)
    return LabelledTable(pd.DataFrame({"x": x, "y": y}), pd.Series(anomalous.astype(np.int8), name="label"))


EMBEDDED: dict[str, Callable[[], LabelledTable]] = {"breast_cancer": breast_cancer, "digits": digits, "sine": sine}


def _with_rare_anomalies(features: pd.DataFrame, anomalous: np.ndarray, share: float) -> LabelledTable:
    """Keep all normal rows and as many anomalies as make up `share`, in the source's order."""
    normal, anomalies = np.flatnonzero(~anomalous), np.flatnonzero(anomalous)
    n_kept = round(share * len(normal) / (1 - share))
    kept = np.random.default_rng(_SEED).choice(anomalies, n_kept, replace=False)
    rows = np.sort(np.concatenate([normal, kept]))
    label = pd.Series(anomalous[rows].astype(np.int8), name="label")
    return LabelledTable(features.iloc[rows].reset_index(drop=True).astype(np.float64), label)
