"""Put a trained model to work on new rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from swift_hydra_kedro.config import RunConfig, ScoringConfig, TablesConfig
from swift_hydra_kedro.data.checkpoint import Checkpoint
from swift_hydra_kedro.data.stream import TableStream
from swift_hydra_kedro.scoring.chunks import REASON, flagged
from swift_hydra_kedro.scoring.table import Scoring, path_of_rejects

BINS = 50


def score_new_rows(
    model: Checkpoint, new_rows: TableStream, scoring: ScoringConfig, tables: TablesConfig, run: RunConfig
) -> Scoring:
    """Check that the model can score the table; its rows are scored as they are saved."""
    key = scoring.key
    if key is None:
        own = tables.root.get(run.dataset)
        key = tuple(name for name in own.row_columns if name in new_rows.columns) if own else ()
    return Scoring.of(model, new_rows, key, scoring)


def summarise_scores(scores: TableStream, scoring: ScoringConfig) -> dict[str, Any]:
    """Count rows, alerts and the rows that could not be scored, and say how the scores are distributed."""
    rejects = TableStream(path_of_rejects(scores.path))
    chunks = rejects.chunks([REASON], scoring.chunk_rows, scoring.chunk_bytes) if rejects.exists() else ()
    n_rejected = sum(len(chunk.rows) for chunk in chunks)
    n_rows, n_anomalies, histogram = 0, 0, np.zeros(BINS, dtype=int)
    for chunk in scores.chunks(["score", "is_anomaly"], scoring.chunk_rows, scoring.chunk_bytes):
        score = pd.to_numeric(chunk.rows["score"])
        n_rows += len(score)
        n_anomalies += int(flagged(chunk.rows).sum())
        histogram += np.histogram(score, BINS, (0, 1))[0]
    return {
        "n_rows": n_rows,
        "n_rejected": n_rejected,
        "n_anomalies": n_anomalies,
        "anomaly_share": n_anomalies / n_rows if n_rows else 0.0,
        "score_histogram": histogram.tolist(),
    }
