"""Seconds to train all experts, as a ratio to those for one, which takes as many steps.

usage: python benchmarks/experts_speed.py TABLE.npz [--experts 1,20,80]

TABLE is an ADBench file, of which 40 % of the rows train. The committee is left out. Prints the median of three runs.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from splits import Split, words

from swift_hydra_kedro.config import ExpertsConfig
from swift_hydra_kedro.detection.training import describe_rows, find_regions, train_experts
from swift_hydra_kedro.models.fitting import LabelledRows

RUNS = 3


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("table", type=Path)
    options.add_argument("--experts", type=words, default=["1", "20", "80"])
    given = options.parse_args()
    x, y, *_ = Split.read(given.table, 0.4, 0).scaled()
    rows = LabelledRows.from_arrays(x, y, np.ones(len(y)), torch.device("cpu"))
    print(f"{given.table.stem}: {len(x)} rows, {x.shape[1]} features, {torch.get_num_threads()} threads")
    seconds = {n: _seconds(rows, n) for n in map(int, given.experts)}
    for n, taken in seconds.items():
        print(f"{n:4} experts {taken:6.1f} s, {taken / min(seconds.values()):.1f} times the least")


def _seconds(rows: LabelledRows, n_experts: int) -> float:
    config = ExpertsConfig(n_experts=n_experts, committee_size=None)
    nothing = torch.empty(0, rows.x.shape[1])
    regions = find_regions(rows, nothing, config, seed=0)
    described = describe_rows(rows, nothing, regions)
    taken = []
    for _ in range(RUNS):
        start = time.perf_counter()
        train_experts(described, regions, config, seed=0)
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))


if __name__ == "__main__":
    main()
