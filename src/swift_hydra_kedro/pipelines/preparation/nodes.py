"""Split, count duplicates, fit the preprocessing on the training part, scale both parts."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd

from swift_hydra_kedro.config import PreparationConfig, RunConfig, TablesConfig
from swift_hydra_kedro.data.checkpoint import Checkpoint
from swift_hydra_kedro.data.columns import text_of, to_times
from swift_hydra_kedro.data.preprocessing import TablePreprocessor
from swift_hydra_kedro.data.splitting import duplicate_mask, split, split_around, split_in_time
from swift_hydra_kedro.data.table import LabelledTable
from swift_hydra_kedro.detection.continuation import RowKeys
from swift_hydra_kedro.pipelines.conversion import known_rows
from swift_hydra_kedro.serving.training_state import load_training

logger = logging.getLogger(__name__)


def take_up_training(run: RunConfig) -> Checkpoint:
    """Fetch the model that training is to go on from, and how it came about; nothing if it starts anew."""
    return Checkpoint() if run.warm_start is None else load_training(run.warm_start)


def split_table(
    table: pd.DataFrame, earlier: Checkpoint, tables: TablesConfig, run: RunConfig
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Stratified split, or one in time, which test rows training holds too, and the `data` part of `metrics.json`."""
    labelled, own = LabelledTable.from_frame(table), tables.root.get(run.dataset)
    time_column = None if own is None else own.time_column
    known = _known(labelled, earlier)
    if time_column is not None:
        time = to_times(labelled.beside(time_column))
        train, test = split_in_time(labelled, time, known, run.train_size)
    elif earlier.state:
        train, test = split_around(labelled, known, run.train_size, run.seed)
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
    if time_column is not None:
        in_test = test.label.index
        first = in_test[time[in_test].argmin()]
        report["tested_from"] = text_of(labelled.beside(time_column)[first])
        report["n_later_in_training"] = int((time[train.label.index] >= time[first]).sum())
        logger.info(
            "rows test from %s on, by %r; earlier ones train, and %d later ones that the model knew already",
            report["tested_from"],
            time_column,
            report["n_later_in_training"],
        )
    logger.info(
        "%d training rows with %d anomalies, %d test rows; %.1f %% of the test rows also occur in training",
        len(train),
        int(train.label.sum()),
        len(test),
        100 * duplicates,
    )
    return train.to_frame(), test.to_frame(), pd.DataFrame({"seen_in_training": seen}), report


def _known(table: LabelledTable, earlier: Checkpoint) -> np.ndarray:
    """Mask of the rows that the model learnt from which training goes on from, `(N,)`."""
    if not earlier.state:
        return np.zeros(len(table), dtype=bool)
    x = TablePreprocessor.from_state(earlier.state["preprocessor"]).transform(table.features)
    return known_rows(earlier).hold(RowKeys.of(x))


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
