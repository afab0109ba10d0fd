"""A table of any size, scored chunk by chunk and written."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain

import fsspec
import pandas as pd
from tqdm import tqdm

from swift_hydra_kedro.config import ScoringConfig
from swift_hydra_kedro.data.checkpoint import Checkpoint
from swift_hydra_kedro.data.sink import Write, beside, open_sink, remove
from swift_hydra_kedro.data.stream import Chunk, TableStream
from swift_hydra_kedro.scoring.chunks import REASON, ChunkScorer, Scored
from swift_hydra_kedro.scoring.engines import open_engine

logger = logging.getLogger(__name__)
MOST_REASONS = 3  # of a chunk that an error message may quote
REJECTS = "rejects.csv"  # beside the scores
ALERTS = ("alerts.csv", "alerts.html")  # there, too, as the catalog names them


@dataclass(frozen=True)
class Scoring:
    """A model, and a table that it is to score.

    Attributes
    ----------
    score
        What scores a chunk.
    table
        The rows.
    config
        Sizes of chunks, and where they are scored.
    """

    score: ChunkScorer
    table: TableStream
    config: ScoringConfig

    @classmethod
    def of(cls, model: Checkpoint, table: TableStream, key: tuple[str, ...], config: ScoringConfig) -> Scoring:
        """Prepare to score; nothing but the columns' names is read.

        Raises
        ------
        ValueError
            If a column that the model was trained on, or one of the `key`, is missing or there twice.
        """
        score = ChunkScorer.of(model, key, config.threshold)
        wanted = score.columns
        for file, columns in table.columns_of_files.items():
            if missing := [name for name in wanted if name not in columns]:
                raise ValueError(
                    f"{file}: {len(missing)} of {len(wanted)} columns are missing: {missing[:10]}; "
                    f"it has {columns[:10]}"
                )
            if twice := [name for name in wanted if columns.count(name) > 1]:
                raise ValueError(f"{file}: columns are there twice: {sorted(twice)[:10]}")
        return cls(score, table, config)

    def chunks(self, progress: bool = False) -> Generator[Scored]:
        """Score the table's rows in their order, at least one chunk, which may be empty.

        Raises
        ------
        ValueError
            If the table cannot be read to its end, or a column of numbers holds dates.
        """
        columns = self.score.columns
        parts = self.table.chunks(columns, self.config.chunk_rows, self.config.chunk_bytes)
        nothing = Chunk(0, pd.DataFrame(columns=columns, dtype=object), [])
        with (
            open_engine(self.score, self.config) as engine,
            tqdm(desc="rows", total=self.table.n_rows, unit="row", unit_scale=True, disable=not progress) as bar,
        ):
            for scored in engine(chain([next(parts, nothing)], parts)):
                yield scored
                bar.update(scored.n_rows)


def write_scores(scoring: Scoring, path: str, progress: bool = False) -> None:
    """Score a table and write the output, all of it or none, and beside it the rejected rows, if there are any.

    Raises
    ------
    ValueError
        If the output's name says neither CSV nor Parquet, it or its rejected rows would take the place of the table or
        of a part of it, the table cannot be read, or none of its rows can be scored.
    """
    for written in (path, path_of_rejects(path)):
        _check_is_no_part(written, scoring.table)
    n_scored, n_rejected, reasons = 0, 0, dict[str, None]()
    with open_sink(path) as write, ExitStack() as stack, closing(scoring.chunks(progress)) as chunks:
        reject: Write | None = None
        for scores, rejects in chunks:
            write(scores)
            if len(rejects):
                reject = reject or stack.enter_context(open_sink(path_of_rejects(path)))
                reject(rejects)
            n_scored += len(scores)
            n_rejected += len(rejects)
            reasons |= dict.fromkeys(rejects[REASON].head(MOST_REASONS))
        if reasons and not n_scored:
            raise ValueError(f"{scoring.table.path}: no row can be scored, for reasons such as {list(reasons)[:3]}")
    if n_rejected:
        logger.warning(
            "%s: %d of %d rows could not be scored, for reasons such as %s; they are in %s",
            *(scoring.table.path, n_rejected, n_scored + n_rejected, list(reasons)[:3], path_of_rejects(path)),
        )
    for ending in (*ALERTS, *([] if reasons else [REJECTS])):
        remove(beside(path, ending))  # of an earlier table


def path_of_rejects(path: str) -> str:
    """Where the rejected rows are, beside the scores at `path`."""
    return beside(path, REJECTS)


def _check_is_no_part(path: str, table: TableStream) -> None:
    target, source = (fsspec.url_to_fs(url) for url in (path, table.path))
    if target[0] == source[0] and f"{target[1]}/".startswith(f"{source[1].rstrip('/')}/"):
        raise ValueError(
            f"{path} would be written over rows of {table.path} that are to be scored: choose another output"
        )
