"""Seconds and peak memory of scoring a Parquet file of ten million rows, as the scoring pipeline does it.

usage: python benchmarks/scoring_memory.py TABLE.npz [ROWS] [--engines local dask]

A model is trained on a tenth of an ADBench table, without synthesis; the others are repeated until there are enough,
and scored by a process of its own for each engine. Its peak resident memory counts, with that of its workers: what they
share, such as torch's code, counts for each.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet
from splits import Split

from swift_hydra_kedro import SwiftHydraClassifier
from swift_hydra_kedro.data.checkpoint import save_checkpoint

ROWS = 10_000_000
SECONDS_BETWEEN = 0.1
WORK = """
import sys, time
from pathlib import Path
from swift_hydra_kedro.config import ScoringConfig
from swift_hydra_kedro.data.checkpoint import load_checkpoint
from swift_hydra_kedro.data.stream import TableStream
from swift_hydra_kedro.scoring.table import Scoring, write_scores
start = time.perf_counter()
folder, engine = Path(sys.argv[1]), sys.argv[2]
table, config = TableStream(str(folder / "rows.parquet")), ScoringConfig(engine=engine)
write_scores(Scoring.of(load_checkpoint(folder / "model"), table, (), config), str(folder / "scores.parquet"))
seconds = time.perf_counter() - start
print(f"{engine}: {table.n_rows} rows, {len(table.columns)} columns: {seconds:.0f} s", end=", ", flush=True)
"""


def main(file: str, n_rows: int, engines: list[str]) -> None:
    """Train, write the rows, and score them with each engine."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(Path(file), n_rows, folder)
        for engine in engines:
            n_bytes, cpu_seconds = cost_of([sys.executable, "-c", WORK, name, engine])
            with (folder / "scores.parquet").open("rb") as scores:
                digest = hashlib.file_digest(scores, "sha256").hexdigest()
            print(f"{cpu_seconds:.0f} s of CPU, {n_bytes / 2**30:.2f} GiB at most, scores {digest[:12]}")


def prepare(file: Path, n_rows: int, folder: Path) -> None:
    """Leave a model and the rows in a folder."""
    cell = Split.read(file, 0.1, 0)
    model = SwiftHydraClassifier(random_state=0, synthesis={"enabled": False})
    model.fit(cell.train.features, cell.train.label)
    save_checkpoint(folder / "model", model.scorer_.to_checkpoint())
    rows = pa.Table.from_pandas(cell.test.features, preserve_index=False)
    with pyarrow.parquet.ParquetWriter(folder / "rows.parquet", rows.schema) as writer:
        for start in range(0, n_rows, len(rows)):
            writer.write_table(rows[: n_rows - start])


def cost_of(command: list[str]) -> tuple[int, float]:
    """Run a command; most bytes that it and its children had at a time, and their seconds of CPU."""
    peak, before = 0, os.times()
    with subprocess.Popen(command) as process:
        while process.poll() is None:
            peak = max(peak, memory_of_tree(process.pid))
            time.sleep(SECONDS_BETWEEN)
    if process.returncode:
        raise SystemExit(process.returncode)
    after = os.times()
    return peak, after.children_user + after.children_system - before.children_user - before.children_system


def memory_of_tree(pid: int) -> int:
    """Resident bytes of a process and its children."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        for process in (root := psutil.Process(pid), *root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):  # it may end before it is asked
                total += process.memory_info().rss
    return total


if __name__ == "__main__":
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("file")
    parser.add_argument("rows", nargs="?", type=int, default=ROWS)
    parser.add_argument("--engines", nargs="+", default=["local"])
    chosen = parser.parse_args()
    main(chosen.file, chosen.rows, chosen.engines)
