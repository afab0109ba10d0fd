"""The weakly supervised detectors beside deepod's, on the same splits and with as many steps.

usage: python benchmarks/deepod_parity.py --data FOLDER [--datasets 6_cardio,40_vowels] [--train-sizes 0.4,0.1]
                                          [--seeds 0,1,2] [--out docs/results/deepod_parity.csv]
       python benchmarks/deepod_parity.py [--out docs/results/deepod_parity.csv]

FOLDER holds ADBench .npz files; without it, nothing more is measured. Prints the mean AUC-ROC of each by data set and
share, and over data sets. Needs `pip install --no-deps deepod==0.4.1`, whose pin of an old torch does not matter here.
Deepod's networks, rates and balanced batches are its own. Its DevNet and FeaWAD compare each row's score with the
labels of all rows in the batch, by a broadcast of `(B, 1)` with `(B,)`, so that no label says anything of its row: here
their losses get scores `(B,)`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from deepod.models.tabular import DeepSAD, DevNet, FeaWAD, PReNet
from splits import Record, Split, parser, ranking, run

from swift_hydra_kedro.baselines.registry import get_method
from swift_hydra_kedro.config import RunConfig, SwiftHydraConfig

OURS = ["dev_net", "prenet", "deep_sad", "feawad"]
Scorer = Callable[[np.ndarray], np.ndarray]


class MendedDevNet(DevNet):
    """The same with scores of the labels' shape in its loss."""

    def training_forward(self, batch_x: Any, net: Any, criterion: Any) -> Any:
        """Loss of a batch."""
        rows, label = batch_x
        return criterion(label, net(rows).flatten())


class MendedFeaWAD(FeaWAD):
    """The same with scores of the labels' shape in its loss."""

    def training_forward(self, batch_x: Any, net: Any, criterion: Any) -> Any:
        """Loss of a batch."""
        rows, label = batch_x
        score, residual = net(rows)
        return criterion(label, score.flatten(), residual)


def fit_ours(name: str, x: np.ndarray, y: np.ndarray, seed: int) -> Scorer:
    """Train a registered method."""
    return get_method(name).fit(x, y, RunConfig(seed=seed, device="cpu"), SwiftHydraConfig()).score


def fit_deepod(name: str, x: np.ndarray, y: np.ndarray, seed: int) -> Scorer:
    """Train deepod's method of that name."""
    # Steps and rows in a batch as ours; of PReNet fewer rows, as it draws pair by pair
    model, n_steps, batch_size, n_batches = {
        "dev_net": (MendedDevNet, 1000, 512, math.ceil(len(x) / 512)),
        "prenet": (PReNet, 1000, 64, max(1, len(x) // 64)),
        "deep_sad": (DeepSAD, 1500, 200, math.ceil(len(x) / 200)),
        "feawad": (MendedFeaWAD, 1200, 256, 1),
    }[name]
    detector = model(
        epochs=math.ceil(n_steps / n_batches),
        batch_size=batch_size,
        device="cpu",
        verbose=0,
        random_state=seed,
    )
    detector.fit(x.astype(np.float32), y)
    return lambda rows: detector.decision_function(rows.astype(np.float32))


def measure(split: Split, methods: list[str]) -> Iterator[Record]:
    """Train and test each method on a split."""
    x_train, y_train, x_test, y_test = split.scaled()
    for method in methods:
        fit = fit_deepod if method.startswith("deepod_") else fit_ours
        start = time.perf_counter()
        score = fit(method.removeprefix("deepod_"), x_train, y_train, split.seed)
        fit_seconds = time.perf_counter() - start
        yield {"method": method, **ranking(y_test, score(x_test)), "fit_seconds": fit_seconds}


def main() -> None:
    """Measure what is missing, and print the means."""
    arguments = parser(__doc__ or "", "deepod_parity.csv").parse_args()
    methods = [*OURS, *(f"deepod_{name}" for name in OURS)]
    results = run(arguments, methods, measure)
    order = [name for ours in OURS for name in (ours, f"deepod_{ours}")]
    table = results.pivot_table("auc_roc", ["train_size", "dataset"], "method")[order]
    print(table.to_string(float_format="%.3f"))
    print(table.groupby("train_size").mean().to_string(float_format="%.3f"))


if __name__ == "__main__":
    main()
