"""Seconds before and between the work: to import the package, and of `kedro run` outside the nodes.

usage: python benchmarks/startup.py [--runs 3]

The run is the full pipeline on embedded data with the smoke budget, in a scratch copy of the project. Prints, of each,
the best of some runs: on a busy machine the others say more about the machine.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).parents[1]
QUIET = {"DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
IMPORT = "import time; start = time.perf_counter(); import swift_hydra_kedro; print(time.perf_counter() - start)"
# As the command `kedro`, with the time that nodes take summed up
RUN = """
import atexit, sys, time
from kedro.framework.cli import main
from kedro.pipeline.node import Node

inside, run = [], Node.run

def timed(self, inputs=None):
    start = time.perf_counter()
    try:
        return run(self, inputs)
    finally:
        inside.append(time.perf_counter() - start)

Node.run = timed
atexit.register(lambda: print(f"inside nodes: {sum(inside)}"))
sys.argv = ["kedro", "run", "--pipeline=full", "--env=smoke"]
main()
"""


def main() -> None:
    """Measure both and print the best."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=3)
    runs = range(options.parse_args().runs)
    print(f"import swift_hydra_kedro: {min(float(_python(IMPORT, Path.cwd())) for _ in runs):.3f} s")
    with tempfile.TemporaryDirectory() as folder:
        project = _copy(Path(folder))
        outside, total = min(_run(project) for _ in runs)
    print(f"kedro run, smoke budget: {total:.1f} s, of which {outside:.1f} s outside the nodes")


def _copy(folder: Path) -> Path:
    shutil.copytree(PROJECT / "conf", folder / "conf")
    shutil.copy(PROJECT / "pyproject.toml", folder)
    for empty in ("src", "data/01_raw", "conf/local"):
        (folder / empty).mkdir(parents=True, exist_ok=True)
    return folder


def _run(project: Path) -> tuple[float, float]:
    """Seconds outside of nodes, and all."""
    start = time.perf_counter()
    output = _python(RUN, project)
    total = time.perf_counter() - start
    inside = re.search(r"inside nodes: ([\d.]+)", output)
    if inside is None:
        sys.exit(f"the run did not come to its end:\n{output}")
    return total - float(inside[1]), total


def _python(code: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=os.environ | QUIET, capture_output=True, text=True, check=True
    )
    return done.stdout


if __name__ == "__main__":
    main()
