"""Split, count duplicates, fit the preprocessing on the training part, scale both parts."""

from __future__ import annotations

import logging
from typing import Any

import pandas as pd

from swift_hydra_kedro.config import PreparationConfig, RunConfig
from swift_hydra_kedro.data.checkpoint import Checkpoint
from swift_hydra_kedro.data.preprocessing import TablePreprocessor
from swift_hydra_kedro.data.splitting import duplicate_mask, split
from swift_hydra_kedro.data.table import LabelledTable

logger = logging.getLogger(__name__)


def split_table(table: pd.DataFrame, run: RunConfig) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Stratified split, which test rows training holds too, and the `data` part of `metrics.json`."""
    train, test = split(LabelledTable.from_frame(table), run.train_size, run.seed)
    seen = duplicate_mask(train.features, test.features)
    duplicates = float(seen.mean())
    report = {
        "n_train": len(train),
        "n_test": len(test),
        "n_features": train.features.shape[1],
        "anomaly_share": float(train.label.mean()),
        "duplicate_test_share": duplicates,
    }
    logger.info(
        "%d training rows with %d anomalies, %d test rows; %.1f %% of the test rows also occur in training",
        len(train),
        int(train.label.sum()),
        len(test),
        100 * duplicates,
    )
    return train.to_frame(), test.to_frame(), pd.DataFrame({"seen_in_training": seen}), report


def fit_preprocessor(train_table: pd.DataFrame, preparation: PreparationConfig) -> dict[str, Any]:
    """Fit imputation, encoding and scaling on the training part; the state is JSON."""
    return TablePreprocessor.fit(LabelledTable.from_frame(train_table).features, preparation).state()


def scale(
    train_table: pd.DataFrame, test_table: pd.DataFrame, preprocessor: dict[str, Any]
) -> tuple[Checkpoint, Checkpoint]:
    """Scaled rows `x (N, P)` and labels `y (N,)` of both parts."""
    fitted = TablePreprocessor.from_state(preprocessor)
    parts = [LabelledTable.from_frame(frame) for frame in (train_table, test_table)]
    train, test = ({"x": fitted.transform(part.features), "y": part.label.to_numpy()} for part in parts)
    return Checkpoint(train, {}), Checkpoint(test, {})
