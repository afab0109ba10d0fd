"""Tables and their scores in files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from swift_hydra_kedro.config import ScoringConfig
from swift_hydra_kedro.data.stream import TableStream
from swift_hydra_kedro.scorer import Scorer
from swift_hydra_kedro.scoring.table import Scoring, write_scores


def write(rows: pd.DataFrame, path: Path) -> TableStream:
    """Save rows as Parquet or CSV."""
    rows.to_parquet(path) if path.suffix == ".parquet" else rows.to_csv(path, index=False)
    return TableStream(str(path))


def scored(
    scorer: Scorer, table: TableStream, out: Path, key: tuple[str, ...] = ("name",), **changes: Any
) -> tuple[Scoring, TableStream]:
    """A table's scores, saved in small chunks."""
    scoring = Scoring.of(scorer.to_checkpoint(), table, key, ScoringConfig(chunk_rows=17, chunk_bytes=1024, **changes))
    write_scores(scoring, str(out))
    return scoring, TableStream(str(out))
