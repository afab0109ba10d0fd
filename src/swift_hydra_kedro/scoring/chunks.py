"""What becomes of a chunk of rows: scores, or the reasons why there are none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from swift_hydra_kedro.data.admission import admit
from swift_hydra_kedro.data.checkpoint import Checkpoint, name_of
from swift_hydra_kedro.data.stream import Chunk
from swift_hydra_kedro.scorer import Scorer

ROW, REASON = "row", "reason"


class Scored(NamedTuple):
    """The rows of a chunk that were scored, and those that were not, with the reason."""

    scores: pd.DataFrame
    rejects: pd.DataFrame

    @property
    def n_rows(self) -> int:
        """Rows of the chunk, without broken lines, which have no number."""
        return len(self.scores) + int(self.rejects[ROW].count())


def flagged(scores: pd.DataFrame) -> pd.Series:
    """Which rows of saved scores are alerts; a CSV file gives truth as text."""
    return scores["is_anomaly"].astype(str) == "True"


@dataclass(frozen=True)
class ChunkScorer:
    """A model that scores chunks, in this process or in another.

    Attributes
    ----------
    scorer
        The model; `version` names it in the output.
    key
        Columns that name a row, copied to the output.
    threshold
        Least probability that is called an anomaly.
    """

    scorer: Scorer
    version: str
    key: tuple[str, ...]
    threshold: float

    @classmethod
    def of(cls, model: Checkpoint, key: tuple[str, ...], threshold: float | None) -> ChunkScorer:
        """Rebuild the model; without a threshold its own counts."""
        scorer = Scorer.from_checkpoint(model)
        return cls(scorer, name_of(model), key, scorer.threshold if threshold is None else threshold)

    @property
    def columns(self) -> list[str]:
        """Columns that a chunk must have."""
        return list(dict.fromkeys([*self.key, *map(str, self.scorer.preprocessor.columns)]))

    def __call__(self, chunk: Chunk) -> Scored:
        """Score the rows that can be.

        Raises
        ------
        ValueError
            If a column of numbers is of a type for dates.
        """
        features, reason = admit(chunk.rows, self.scorer.preprocessor)
        named = chunk.rows[list(self.key)]
        named.insert(0, ROW, np.arange(chunk.start, chunk.start + len(named)))
        admitted = reason == ""
        rejects = named[~admitted].astype(object).assign(**{REASON: reason[~admitted]})  # numbers stay as they are
        if chunk.broken:
            rejects = pd.concat([rejects, pd.DataFrame({REASON: chunk.broken}, dtype=object)])
        score, experts = self.scorer.score_with_experts(features[admitted])
        return Scored(
            named[admitted].assign(
                score=score,
                is_anomaly=score >= self.threshold,
                threshold=self.threshold,
                **{f"expert_{rank}": chosen.astype(np.int16) for rank, chosen in enumerate(experts.T, start=1)},
                model=self.version,
            ),
            rejects,
        )
