"""A trained model at work on a table of any size: chunk by chunk, and no row is lost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from swift_hydra_kedro import __version__
from swift_hydra_kedro.config import ScoringConfig
from swift_hydra_kedro.data.admission import admit
from swift_hydra_kedro.data.checkpoint import Checkpoint
from swift_hydra_kedro.data.sink import Write, beside, open_sink, remove
from swift_hydra_kedro.data.stream import Chunk, TableStream
from swift_hydra_kedro.scorer import Scorer

ROW, REASON = "row", "reason"
NAME_LENGTH = 12
MOST_REASONS = 3  # of a chunk that an error message may quote


class Scored(NamedTuple):
    """The rows of a chunk that were scored, and those that were not, with the reason."""

    scores: pd.DataFrame
    rejects: pd.DataFrame


@dataclass(frozen=True)
class Scoring:
    """A model, and a table that it is to score.

    Attributes
    ----------
    scorer
        The model; `version` names it in the output.
    table
        The rows.
    key
        Columns that name a row, copied to the output.
    config
        Threshold and sizes of chunks.
    """

    scorer: Scorer
    version: str
    table: TableStream
    key: tuple[str, ...]
    config: ScoringConfig

    @classmethod
    def of(cls, model: Checkpoint, table: TableStream, key: tuple[str, ...], config: ScoringConfig) -> Scoring:
        """Prepare to score; nothing but the columns' names is read.

        Raises
        ------
        ValueError
            If a column that the model was trained on, or one of the `key`, is missing or there twice.
        """
        scoring = cls(Scorer.from_checkpoint(model), name_of(model), table, key, config)
        wanted = scoring.columns
        missing = [name for name in wanted if name not in table.columns]
        if missing:
            raise ValueError(
                f"{table.path}: {len(missing)} of {len(wanted)} columns are missing: {missing[:10]}; "
                f"it has {table.columns[:10]}"
            )
        twice = [name for name in wanted if table.columns.count(name) > 1]
        if twice:
            raise ValueError(f"{table.path}: columns are there twice: {sorted(twice)[:10]}")
        return scoring

    @property
    def columns(self) -> list[str]:
        """Columns of the table that are read."""
        return list(dict.fromkeys([*self.key, *map(str, self.scorer.preprocessor.columns)]))

    def chunks(self, progress: bool = False) -> Iterator[Scored]:
        """Score the table's rows in their order, at least one chunk, which may be empty.

        Raises
        ------
        ValueError
            If the table cannot be read to its end, or a column of numbers holds dates.
        """
        parts = self.table.chunks(self.columns, self.config.chunk_rows, self.config.chunk_bytes)
        nothing = Chunk(0, pd.DataFrame(columns=self.columns, dtype=object), [])
        with tqdm(desc="rows", total=self.table.n_rows, unit="row", unit_scale=True, disable=not progress) as bar:
            for chunk in chain([next(parts, nothing)], parts):
                yield self._score(chunk)
                bar.update(len(chunk.rows))

    def _score(self, chunk: Chunk) -> Scored:
        features, reason = admit(chunk.rows, self.scorer.preprocessor)
        named = chunk.rows[list(self.key)]
        named.insert(0, ROW, np.arange(chunk.start, chunk.start + len(named)))
        admitted = reason == ""
        rejects = pd.concat(
            [named[~admitted].assign(**{REASON: reason[~admitted]}), pd.DataFrame({REASON: chunk.broken}, dtype=object)]
        )
        score, experts = self.scorer.score_with_experts(features[admitted])
        threshold = self.scorer.threshold if self.config.threshold is None else self.config.threshold
        return Scored(
            named[admitted].assign(
                score=score,
                is_anomaly=score >= threshold,
                threshold=threshold,
                **{f"expert_{rank}": chosen.astype(np.int16) for rank, chosen in enumerate(experts.T, start=1)},
                model=self.version,
            ),
            rejects,
        )


def write_scores(scoring: Scoring, path: str, progress: bool = False) -> None:
    """Score a table and write the output, all of it or none, and beside it the rejected rows, if there are any.

    Raises
    ------
    ValueError
        If the output's name says neither CSV nor Parquet, the table cannot be read, or none of its rows can be scored.
    """
    n_scored, reasons = 0, dict[str, None]()
    with open_sink(path) as write, ExitStack() as stack:
        reject: Write | None = None
        for scores, rejects in scoring.chunks(progress):
            write(scores)
            if len(rejects):
                reject = reject or stack.enter_context(open_sink(path_of_rejects(path)))
                reject(rejects)
            n_scored += len(scores)
            reasons |= dict.fromkeys(rejects[REASON].head(MOST_REASONS))
        if reasons and not n_scored:
            raise ValueError(f"{scoring.table.path}: no row can be scored, for reasons such as {list(reasons)[:3]}")
    if not reasons:
        remove(path_of_rejects(path))  # of an earlier table


def path_of_rejects(path: str) -> str:
    """Where the rejected rows are, beside the scores at `path`."""
    return beside(path, "rejects.csv")


def name_of(model: Checkpoint) -> str:
    """The package's version and a digest of all that the model is."""
    digest = hashlib.sha256(json.dumps(model.state, sort_keys=True).encode())
    for name, array in sorted(model.tensors.items()):
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return f"{__version__}+{digest.hexdigest()[:NAME_LENGTH]}"
