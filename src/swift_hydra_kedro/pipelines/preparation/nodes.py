"""Split, count duplicates, fit the preprocessing on the training part, scale both parts."""

from __future__ import annotations

import logging
from typing import Any

import pandas as pd

from swift_hydra_kedro.config import PreparationConfig, RunConfig
from swift_hydra_kedro.data.checkpoint import Checkpoint
from swift_hydra_kedro.data.preprocessing import TablePreprocessor
from swift_hydra_kedro.data.splitting import duplicate_mask, split, split_around
from swift_hydra_kedro.data.table import LabelledTable
from swift_hydra_kedro.detection.continuation import RowKeys
from swift_hydra_kedro.pipelines.conversion import known_rows
from swift_hydra_kedro.serving.training_state import load_training

logger = logging.getLogger(__name__)


def take_up_training(run: RunConfig) -> Checkpoint:
    """Fetch the model that training is to go on from, and how it came about; nothing if it starts anew."""
    return Checkpoint() if run.warm_start is None else load_training(run.warm_start)


def split_table(
    table: pd.DataFrame, earlier: Checkpoint, run: RunConfig
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Stratified split, which test rows training holds too, and the `data` part of `metrics.json`."""
    labelled = LabelledTable.from_frame(table)
    if earlier.state:
        x = TablePreprocessor.from_state(earlier.state["preprocessor"]).transform(labelled.features)
        train, test = split_around(labelled, known_rows(earlier).hold(RowKeys.of(x)), run.train_size, run.seed)
    else:
        train, test = split(labelled, run.train_size, run.seed)
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


def fit_preprocessor(train_table: pd.DataFrame, earlier: Checkpoint, preparation: PreparationConfig) -> dict[str, Any]:
    """Fit imputation, encoding and scaling on the training part; the state is JSON.

    Networks that were trained already know rows as their own preprocessing makes them.
    """
    if earlier.state:
        return earlier.state["preprocessor"]
    return TablePreprocessor.fit(LabelledTable.from_frame(train_table).features, preparation).state()


def scale(
    train_table: pd.DataFrame, test_table: pd.DataFrame, preprocessor: dict[str, Any]
) -> tuple[Checkpoint, Checkpoint]:
    """Scaled rows `x (N, P)` and labels `y (N,)` of both parts."""
    fitted = TablePreprocessor.from_state(preprocessor)
    parts = [LabelledTable.from_frame(frame) for frame in (train_table, test_table)]
    train, test = ({"x": fitted.transform(part.features), "y": part.label.to_numpy()} for part in parts)
    return Checkpoint(train, {}), Checkpoint(test, {})
