"""Seconds that it takes to compare scored rows with those of training, beside the seconds of scoring them.

usage: python benchmarks/drift.py TABLE.npz [ROWS]

Model and rows are those of `scoring_memory.py`, one million rows unless told otherwise.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from scoring_memory import prepare

from swift_hydra_kedro.config import ScoringConfig
from swift_hydra_kedro.data.checkpoint import load_checkpoint
from swift_hydra_kedro.data.stream import TableStream
from swift_hydra_kedro.pipelines.scoring.drift_nodes import measure_drift
from swift_hydra_kedro.scoring.table import Scoring, write_scores

ROWS = 1_000_000


def main(file: Path, n_rows: int) -> None:
    """Train, write the rows, score them, and compare them."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        prepare(file, n_rows, folder)
        model, config = load_checkpoint(folder / "model"), ScoringConfig()
        rows, scores = (TableStream(str(folder / f"{name}.parquet")) for name in ("rows", "scores"))
        start = time.perf_counter()
        write_scores(Scoring.of(model, rows, (), config), scores.path)
        scored = time.perf_counter()
        measure_drift(model, rows, scores, config)
        seconds, more = scored - start, time.perf_counter() - scored
        print(f"{n_rows} rows, {len(rows.columns)} columns: scored in {seconds:.1f} s, compared in {more:.1f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else ROWS)
