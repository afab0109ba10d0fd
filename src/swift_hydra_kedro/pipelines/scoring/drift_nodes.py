"""Whether new rows, and their scores, are like those that the model knows."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from swift_hydra_kedro.config import ScoringConfig
from swift_hydra_kedro.data.admission import admit
from swift_hydra_kedro.data.checkpoint import Checkpoint
from swift_hydra_kedro.data.preprocessing import TablePreprocessor
from swift_hydra_kedro.data.profile import SCORE, ColumnProfile, NumericBins, count_rows
from swift_hydra_kedro.data.stream import TableStream
from swift_hydra_kedro.evaluation.drift import Comparison, summarise_drift
from swift_hydra_kedro.scorer import Scorer

logger = logging.getLogger(__name__)

MOST_NAMED = 10
MOST_LOGGED = 100  # columns: each takes MLflow some milliseconds
LONGEST_NAME = 200


def measure_drift(
    model: Checkpoint, new_rows: TableStream, scores_of_new_rows: TableStream, scoring: ScoringConfig
) -> dict[str, Any]:
    """Compare the rows that were scored, and their scores, with those that the model knows; warn if they differ."""
    scorer = Scorer.from_checkpoint(model)
    columns = _compare(scorer.profile.columns, _admitted(new_rows, scorer.preprocessor, scoring))
    score = _compare([scorer.profile.score], _rows(scores_of_new_rows, [SCORE], scoring))
    report = summarise_drift(columns, score, scoring.drift)
    _warn(report)
    return report


def to_drift_metrics(drift_report: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Metrics as MLflow takes them, of the columns those that have changed most."""
    score, columns = drift_report["score"] or {}, drift_report["columns"]
    metrics = {f"score_{name}": score[name] for name in ("psi", "ks") if name in score}
    for name in ("psi", "ks"):
        metrics[f"largest_{name}"] = max((drift[name] or 0.0 for drift in columns.values()), default=0.0)
    metrics["n_drifted"] = len(drift_report["drifted"])
    for column, drift in list(columns.items())[:MOST_LOGGED]:
        metrics[f"psi.{_as_metric(column)}"] = drift["psi"]
    return {name: {"value": value, "step": 0} for name, value in metrics.items()}


def _compare(profiles: Sequence[ColumnProfile], chunks: Iterable[pd.DataFrame]) -> dict[str, Comparison]:
    """What can be compared: without rows on both sides, nothing."""
    return {
        str(profile.name): Comparison(
            np.array(profile.counts), now, profile.bins.edges if isinstance(profile.bins, NumericBins) else None
        )
        for profile, now in zip(profiles, count_rows(profiles, chunks), strict=True)
        if any(profile.counts) and now.any()
    }


def _admitted(table: TableStream, preprocessor: TablePreprocessor, scoring: ScoringConfig) -> Iterator[pd.DataFrame]:
    for rows in _rows(table, list(map(str, preprocessor.columns)), scoring):
        features, reason = admit(rows, preprocessor)
        yield features[reason == ""]


def _rows(table: TableStream, columns: list[str], scoring: ScoringConfig) -> Iterator[pd.DataFrame]:
    return (chunk.rows for chunk in table.chunks(columns, scoring.chunk_rows, scoring.chunk_bytes))


def _warn(report: dict[str, Any]) -> None:
    level, columns, score = (report[name] for name in ("level", "columns", "score"))
    if level == "unknown":
        logger.warning("drift is unknown: there are no rows")
    elif level != "none":
        changed = {f"column {name!r}": columns[name] for name in report["drifted"][:MOST_NAMED]}
        if score is not None and score["level"] != "none":
            changed = {"the score": score} | changed
        named = ", ".join(f"{name} (PSI {drift['psi']:.2f})" for name, drift in changed.items())
        logger.warning("%s drift, in %d of %d columns: %s", level, len(report["drifted"]), len(columns), named)


def _as_metric(column: str) -> str:
    """Column as part of a metric's name, in which MLflow takes few characters."""
    return re.sub(r"[^\w .-]", "_", column)[:LONGEST_NAME]
