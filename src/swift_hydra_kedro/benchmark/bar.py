"""What a user sees of a running benchmark."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta

from tqdm import tqdm

from swift_hydra_kedro.benchmark.cell import Record
from swift_hydra_kedro.benchmark.grid import Cell

FORMAT = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} cells [{elapsed}{postfix}]"


class CellBar:
    """A progress bar with the cells done and failed, and the time left.

    That is told by `estimates` of what the cells take, whose ratio to what they did take is known of those that are
    done: by their number it would be far off, as the longest come first.
    """

    def __init__(self, estimates: Mapping[Cell, float]) -> None:
        self.estimates = dict(estimates)
        self.left = self.total = sum(estimates.values())
        self.n_failed, self.start = 0, time.perf_counter()
        self.bar = tqdm(total=len(estimates), desc="benchmark", bar_format=FORMAT)

    def __enter__(self) -> CellBar:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def write(self, text: str) -> None:
        """Print a line above the bar."""
        self.bar.write(text)

    def count(self, record: Record) -> None:
        """Take note of a cell that is done."""
        self.left -= self.estimates[Cell.of(record)]
        self.n_failed += record["error"] is not None
        elapsed = time.perf_counter() - self.start
        seconds = round(max(0.0, elapsed * self.left / (self.total - self.left)))
        self.bar.set_postfix_str(f"{self.n_failed} failed, {timedelta(seconds=seconds)} left", refresh=False)
        self.bar.update()
