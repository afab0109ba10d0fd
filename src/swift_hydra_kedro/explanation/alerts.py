"""The rows that a model flagged, found again in the table that it scored, and explained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from swift_hydra_kedro.config import ScoringConfig
from swift_hydra_kedro.data.admission import admit
from swift_hydra_kedro.data.stream import TableStream
from swift_hydra_kedro.explanation.explainer import Explainer, Explanations
from swift_hydra_kedro.scoring.chunks import ROW, flagged
from swift_hydra_kedro.scoring.table import Scoring

TOLERANCE = 1e-3  # between scores of one row, which differ a little between a CPU and a GPU


@dataclass(frozen=True)
class Alerts:
    """Flagged rows, explained, that of the highest score first.

    Attributes
    ----------
    named
        The columns that name a row, `score` and `threshold`, as they were saved; the index has the rows' numbers.
    explanations
        Of the same rows.
    """

    named: pd.DataFrame
    explanations: Explanations

    @classmethod
    def of(cls, scoring: Scoring, scores: TableStream, explainer: Explainer) -> Alerts:
        """Explain the flagged rows of a table whose scores were saved, those of the highest scores.

        Parameters
        ----------
        scoring
            The model and the table.
        scores
            What was saved.
        explainer
            Of the same model.

        Raises
        ------
        ValueError
            If the scores are of another model or another table.
        """
        named = find_alerts(scores, scoring.score.version, explainer.config.max_alerts, scoring.config)
        rows = _read_rows(scoring, named.index.sort_values()).reindex(named.index)
        features, reason = admit(rows, scoring.score.scorer.preprocessor)
        _check_rows(reason == "", scoring.table, scores, named)
        explanations = explainer.explain(features)
        _check_rows(np.isclose(explanations.score, named["score"], 0, TOLERANCE), scoring.table, scores, named)
        return cls(named, explanations)

    def to_frame(self) -> pd.DataFrame:
        """One row each, as it is saved: `row`, what names it, and what `Explanations.to_frame` gives."""
        explained = self.explanations.to_frame()
        return pd.concat([self.named.drop(columns="score"), explained], axis=1).reset_index(names=ROW)


def find_alerts(scores: TableStream, version: str, n: int, config: ScoringConfig) -> pd.DataFrame:
    """The at most n flagged rows of the highest scores, those first; see `Alerts.named`.

    Raises
    ------
    ValueError
        If these are no scores, or those of another model than `version`.
    """
    missing = {ROW, "score", "threshold", "is_anomaly", "model"} - set(scores.columns)
    if missing:
        raise ValueError(
            f"{scores.path} holds no scores: columns {sorted(missing)} are missing; run the pipeline scoring, and "
            "name its output"
        )
    ids = scores.columns[1 : scores.columns.index("score")]
    columns, types = [ROW, *ids, "score", "threshold"], {ROW: np.int64, "score": float, "threshold": float}
    found = pd.DataFrame(columns=columns).astype(types)
    for chunk in scores.chunks([*columns, "is_anomaly", "model"], config.chunk_rows, config.chunk_bytes):
        for other in set(chunk.rows["model"]) - {version}:
            raise ValueError(
                f"{scores.path} holds scores of the model {other}, and the model is {version} now: run the pipeline "
                "scoring once more, then explanation"
            )
        alerts = chunk.rows.loc[flagged(chunk.rows), columns]
        found = pd.concat([found, alerts.astype(types)]).nlargest(n, "score")
    return found.set_index(ROW)


def _read_rows(scoring: Scoring, numbers: pd.Index) -> pd.DataFrame:
    """Rows by their numbers, in increasing order, as far as they are there."""
    config, found = scoring.config, []
    for chunk in scoring.table.chunks(scoring.score.columns, config.chunk_rows, config.chunk_bytes):
        own = numbers[(numbers >= chunk.start) & (numbers < chunk.start + len(chunk.rows))]
        if len(own):
            found.append(chunk.rows.iloc[own - chunk.start].set_axis(own))
    return pd.concat(found) if found else pd.DataFrame(columns=scoring.score.columns, dtype=object)


def _check_rows(alike: np.ndarray, table: TableStream, scores: TableStream, named: pd.DataFrame) -> None:
    if not alike.all():
        raise ValueError(
            f"{scores.path} does not hold scores of {table.path}, or the table changed: its row "
            f"{named.index[~alike][0]} has another score; run the pipeline scoring once more, then explanation"
        )
