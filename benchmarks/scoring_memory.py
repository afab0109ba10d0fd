"""Peak memory and rows per second of scoring a Parquet file of ten million rows, as the scoring pipeline does it.

usage: python benchmarks/scoring_memory.py TABLE.npz [ROWS]

A model is trained on a tenth of an ADBench table, without synthesis; the others are repeated until there are enough,
and scored by a process of its own, whose peak resident memory counts.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
from splits import Split

from swift_hydra_kedro import SwiftHydraClassifier
from swift_hydra_kedro.data.checkpoint import save_checkpoint

ROWS = 10_000_000
WORK = """
import resource, sys, time
from pathlib import Path
from swift_hydra_kedro.config import ScoringConfig
from swift_hydra_kedro.data.checkpoint import load_checkpoint
from swift_hydra_kedro.data.stream import TableStream
from swift_hydra_kedro.scoring import Scoring, write_scores
start = time.perf_counter()
folder = Path(sys.argv[1])
table = TableStream(str(folder / "rows.parquet"))
write_scores(Scoring.of(load_checkpoint(folder / "model"), table, (), ScoringConfig()), str(folder / "scores.parquet"))
seconds, peak = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(f"{table.n_rows} rows, {len(table.columns)} columns: {seconds:.0f} s, {peak:.2f} GiB at most")
"""


def main(file: str, n_rows: int) -> None:
    """Train, write the rows, and score them."""
    cell = Split.read(Path(file), 0.1, 0)
    model = SwiftHydraClassifier(random_state=0, synthesis={"enabled": False})
    model.fit(cell.train.features, cell.train.label)
    with tempfile.TemporaryDirectory() as folder:
        save_checkpoint(Path(folder) / "model", model.scorer_.to_checkpoint())
        rows = pa.Table.from_pandas(cell.test.features, preserve_index=False)
        with pyarrow.parquet.ParquetWriter(Path(folder) / "rows.parquet", rows.schema) as writer:
            for start in range(0, n_rows, len(rows)):
                writer.write_table(rows[: n_rows - start])
        subprocess.run([sys.executable, "-c", WORK, folder], check=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else ROWS)
