"""What it saves to go on from a trained model when rows were added, and whether it costs accuracy.

usage: python benchmarks/warm_start.py --data FOLDER [--datasets 6_cardio,47_yeast] [--train-sizes 0.4] [--seeds 0]
                                       [--max-rows 20000] [--out docs/results/warm_start.csv]

FOLDER holds ADBench .npz files. A model is trained on three quarters of the training rows (`before`); then all of them
train one that goes on from it (`warm`) and one that starts anew (`anew`). All score the same test rows. There are no
synthetic rows, which are made anew either way. A result is written at once, and a later call goes on where this one
stopped. Prints medians and means over the splits, seconds as a share of those of `anew`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch
from splits import SPLIT, Record, Split, half_interval, parser, ranking, run

from swift_hydra_kedro.config import DetectionConfig, PreparationConfig
from swift_hydra_kedro.data.preprocessing import TablePreprocessor
from swift_hydra_kedro.detection.continuation import Earlier, RowKeys
from swift_hydra_kedro.detection.training import describe_rows, find_regions, train_experts, train_gate
from swift_hydra_kedro.models.fitting import LabelledRows
from swift_hydra_kedro.models.inference import Predictor

SHARE_BEFORE = 0.75
METHODS = ["before", "warm", "anew"]
CONFIG = DetectionConfig()


def main() -> None:
    """Measure all splits and print the comparison."""
    results = run(parser(str(__doc__), "warm_start.csv").parse_args(), METHODS, measure)
    table = results.pivot_table(["auc_roc", "auc_pr", "seconds"], SPLIT, "method").dropna()
    share = table["seconds"].div(table["seconds"]["anew"], axis=0)
    means = pd.DataFrame({name: table[name].mean() for name in ("auc_roc", "auc_pr")} | {"seconds": share.median()})
    print(f"{len(table)} splits\n{means.loc[METHODS].round(4).to_string()}")
    for name in ("auc_roc", "auc_pr"):
        gain = table[name]["warm"] - table[name]["anew"]
        print(f"{name}, warm less anew: {gain.mean():+.4f} +- {half_interval(gain):.4f}")


def measure(cell: Split, missing: list[str]) -> Iterator[Record]:
    """All three models on one split; they share the preprocessing, which was fitted to the rows that came first."""
    before = cell.train.take(np.arange(int(SHARE_BEFORE * len(cell.train))))
    fitted = TablePreprocessor.fit(before.features, PreparationConfig())
    x_test, y_test = fitted.transform(cell.test.features), cell.test.label.to_numpy()
    earlier = None
    for name in METHODS:
        part = before if name == "before" else cell.train
        start = time.perf_counter()
        model = train(fitted.transform(part.features), part.label.to_numpy(), cell.seed, earlier)
        seconds = time.perf_counter() - start
        earlier = model if name == "before" else None
        if name in missing:
            score = Predictor(model.mixture)(x_test)
            yield {"method": name, **ranking(y_test, score), "seconds": seconds, "n_train": len(part)}


def train(x: np.ndarray, y: np.ndarray, seed: int, earlier: Earlier | None) -> Earlier:
    """Take all steps of the detection module on rows `x (N, P)`, labels `y (N,)`."""
    rows = LabelledRows.from_arrays(x, y, np.ones(len(y)), torch.device("cpu"))
    none = torch.empty(0, x.shape[1])
    regions = find_regions(rows, none, CONFIG.experts, seed, earlier)
    described = describe_rows(rows, none, regions)
    trained = train_experts(described, regions, CONFIG.experts, seed, earlier=earlier)
    mixture, _ = train_gate(trained.committee, trained.out_of_bag, described, regions, CONFIG, seed, earlier=earlier)
    clusters = regions.clusters, regions.cluster_of_member
    return Earlier(trained.committee, mixture, *clusters, RowKeys.of(x), trained.drawn)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
