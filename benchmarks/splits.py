"""What the benchmarks share: a loop over splits of ADBench files that can be interrupted and goes on where it was."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t
from sklearn.metrics import average_precision_score, roc_auc_score
from tqdm import tqdm

from swift_hydra_kedro.config import PreparationConfig
from swift_hydra_kedro.data.npz import read_npz
from swift_hydra_kedro.data.preprocessing import TablePreprocessor
from swift_hydra_kedro.data.splitting import split
from swift_hydra_kedro.data.table import LabelledTable, from_arrays

MAX_ROWS = 20_000
SPLIT = ["dataset", "train_size", "seed"]
Record = dict[str, Any]


@dataclass(frozen=True)
class Split:
    """One split of a table, by `train_size` and `seed`, as the pipeline makes it."""

    dataset: str
    train_size: float
    seed: int
    train: LabelledTable
    test: LabelledTable

    @classmethod
    def read(cls, file: Path, train_size: float, seed: int) -> Split:
        """Split an ADBench .npz file."""
        return cls(file.stem, train_size, seed, *split(from_arrays(*read_npz(file)), train_size, seed))

    def at_most_anomalies(self, n: int) -> Split:
        """The split with at most `n` anomalies to learn from, the first ones: its rows come in random order."""
        is_anomaly = self.train.label.to_numpy() == 1
        return replace(self, train=self.train.take(np.flatnonzero(~is_anomaly | (is_anomaly.cumsum() <= n))))

    def scaled(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Training rows and labels, test rows and labels, as the detection module gets them."""
        fitted = TablePreprocessor.fit(self.train.features, PreparationConfig())
        parts = [(fitted.transform(part.features), part.label.to_numpy()) for part in (self.train, self.test)]
        return *parts[0], *parts[1]


def ranking(y: np.ndarray, score: np.ndarray) -> Record:
    """How well scores rank the anomalies among test rows."""
    return {"auc_roc": roc_auc_score(y, score), "auc_pr": average_precision_score(y, score)}


def half_interval(values: pd.Series) -> float:
    """Half of the 95 % interval of the mean, by Student's t; none of a single value."""
    return float(t.ppf(0.975, len(values) - 1) * values.std() / np.sqrt(len(values)))


def parser(description: str, out: str) -> argparse.ArgumentParser:
    """Options that all benchmarks have."""
    options = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, help="folder of ADBench .npz files; without it nothing is measured")
    options.add_argument("--datasets", type=words, default=[], help="file stems; without them all of --max-rows rows")
    options.add_argument("--train-sizes", type=words, default=["0.4", "0.1"])
    options.add_argument("--seeds", type=words, default=["0"])
    options.add_argument("--max-rows", type=int, default=MAX_ROWS)
    options.add_argument("--out", type=Path, default=Path("docs/results") / out)
    return options


def run(
    arguments: argparse.Namespace, methods: list[str], measure: Callable[[Split, list[str]], Iterator[Record]]
) -> pd.DataFrame:
    """Measure all methods on all splits; each record is written at once, and those in the file are not repeated.

    Several processes may write to the same file as long as they measure different splits.
    """
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    results = pd.read_csv(arguments.out) if arguments.out.exists() else pd.DataFrame(columns=[*SPLIT, "method"])
    with tqdm(list(_splits(arguments)), unit="split") as bar:
        for file, train_size, seed in bar:
            key = (file.stem, train_size, seed)
            done = results[(results[SPLIT] == list(key)).all(axis=1)]["method"]
            missing = [method for method in methods if method not in set(done)]
            if not missing:
                continue
            bar.set_description(f"{file.stem} {train_size} seed {seed}")
            for record in measure(Split.read(file, train_size, seed), missing):
                line = pd.DataFrame([dict(zip(SPLIT, key, strict=True)) | record])
                is_new = not arguments.out.exists()
                line.to_csv(arguments.out, mode="a", header=is_new, index=False, float_format="%.5f")
    return pd.read_csv(arguments.out)


def _splits(arguments: argparse.Namespace) -> Iterator[tuple[Path, float, int]]:
    if arguments.data is None:
        return
    for file in tables(arguments.data, arguments.datasets):
        if not arguments.datasets and len(read_npz(file)[1]) > arguments.max_rows:
            continue
        for train_size in map(float, arguments.train_sizes):
            for seed in map(int, arguments.seeds):
                yield file, train_size, seed


def tables(folder: Path, named: list[str]) -> list[Path]:
    """The .npz files of a folder, all or the named ones, the smallest first."""
    files = sorted(folder.glob("*.npz"), key=lambda file: file.stat().st_size)
    return [file for file in files if file.stem in named or not named]


def words(text: str) -> list[str]:
    """What commas join."""
    return [word for word in text.split(",") if word]
