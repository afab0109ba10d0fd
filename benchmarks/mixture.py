"""What the gate costs and gains: two of all experts per row against their mean, two at random, and extra trees.

usage: python benchmarks/mixture.py --data FOLDER [--datasets 6_cardio,47_yeast] [--train-sizes 0.4,0.1] [--seeds 0]
                                    [--out docs/results/mixture.csv]

FOLDER holds ADBench .npz files; all of them of at most 20,000 rows are taken unless some are named. The mixture is
trained with the default budget and without synthesis. Each finished split is written at once, and a later call goes
on where this one stopped. Prints the means over splits of each method.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from swift_hydra_kedro.baselines.registry import anomaly_score, fit, get_baseline
from swift_hydra_kedro.config import PreparationConfig, RunConfig, SwiftHydraConfig
from swift_hydra_kedro.data.npz import read_npz
from swift_hydra_kedro.data.preprocessing import TablePreprocessor
from swift_hydra_kedro.data.splitting import split
from swift_hydra_kedro.data.table import LabelledTable, from_arrays
from swift_hydra_kedro.detection.training import find_regions, train_experts, train_gate
from swift_hydra_kedro.models.fitting import LabelledRows
from swift_hydra_kedro.models.inference import predict_probability
from swift_hydra_kedro.models.mome import MixtureOfExperts

MAX_ROWS = 20_000
SPLIT = ["dataset", "train_size", "seed"]
EXPERTS_PER_ROW = (1, 2, 4, 8)
Score = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    """Measure all splits and print the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--datasets", default="")
    parser.add_argument("--train-sizes", default="0.4,0.1")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--out", type=Path, default=Path("docs/results/mixture.csv"))
    arguments = parser.parse_args()
    wanted = set(filter(None, arguments.datasets.split(",")))
    results = pd.read_csv(arguments.out) if arguments.out.exists() else pd.DataFrame(columns=SPLIT)
    for file in sorted(arguments.data.glob("*.npz"), key=lambda file: file.stat().st_size):
        table = from_arrays(*read_npz(file)) if not wanted or file.stem in wanted else None
        if table is None or (len(table) > MAX_ROWS and not wanted):
            continue
        for train_size in map(float, arguments.train_sizes.split(",")):
            for seed in map(int, arguments.seeds.split(",")):
                key = (file.stem, train_size, seed)
                if key in set(results[SPLIT].itertuples(index=False, name=None)):
                    continue
                rows = pd.DataFrame(measure(table, train_size, seed)).assign(**dict(zip(SPLIT, key, strict=True)))
                results = pd.concat([results, rows], ignore_index=True)
                arguments.out.parent.mkdir(parents=True, exist_ok=True)
                results.to_csv(arguments.out, index=False, float_format="%.5f")
                print(*key, rows.set_index("method")["auc_roc"].round(4).to_dict(), flush=True)
    columns = ["auc_roc", "auc_pr", "rows_per_second"]
    print(results.groupby(["train_size", "method"])[columns].mean().round(4).to_string())


def measure(table: LabelledTable, train_size: float, seed: int) -> Iterator[dict[str, object]]:
    """AUC-ROC, AUC-PR and rows per second of every method on one split."""
    train, test = split(table, train_size, seed)
    fitted = TablePreprocessor.fit(train.features, PreparationConfig())
    x, y, x_test = fitted.transform(train.features), train.label.to_numpy(), fitted.transform(test.features)
    for name, score in methods(x, y, seed).items():
        start = time.perf_counter()
        scores = score(x_test)
        seconds = time.perf_counter() - start
        label = test.label.to_numpy()
        yield {
            "method": name,
            "auc_roc": roc_auc_score(label, scores),
            "auc_pr": average_precision_score(label, scores),
            "rows_per_second": len(label) / seconds,
        }


def methods(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, Score]:
    """Train all methods on rows `x (N, P)` and labels `y (N,)`."""
    defaults = SwiftHydraConfig()
    config = defaults.detection
    rows = LabelledRows.from_arrays(x, y, np.ones(len(y)), torch.device("cpu"))
    none = torch.empty(0, x.shape[1])
    regions = find_regions(rows, none, config.experts, seed)
    experts, _, out_of_bag = train_experts(rows, none, regions, config.experts, seed)
    before = copy.deepcopy(experts)
    mixture, _ = train_gate(experts, out_of_bag, rows, none, regions, config, seed)
    extra_trees = get_baseline("extra_trees")
    forest = extra_trees.build(RunConfig(seed=seed), defaults)
    fit(extra_trees, forest, x, y)
    two = torch.randperm(config.experts.n_experts, generator=torch.Generator().manual_seed(seed))[:2]
    return {
        "mean of all before distillation": mean_of(MixtureOfExperts(before, mixture.gate, mixture.neighbourhood)),
        "mean of all": mean_of(mixture),
        "two at random": mean_of(mixture, two),
        **{f"top {k}": gated(mixture, k) for k in EXPERTS_PER_ROW},
        "extra trees": lambda rows: anomaly_score(forest, rows),
    }


def mean_of(mixture: MixtureOfExperts, experts: torch.Tensor | None = None) -> Score:
    """Mean probability of all experts, or of those given."""

    @torch.inference_mode()
    def score(rows: np.ndarray) -> np.ndarray:
        parts = [mixture.all_probabilities(mixture.describe(part)) for part in torch.as_tensor(rows).split(2048)]
        each = torch.cat(parts, dim=1)  # (M, N)
        return (each if experts is None else each[experts]).mean(0).numpy()

    return score


def gated(mixture: MixtureOfExperts, top_k: int) -> Score:
    """The mixture with k experts per row."""
    narrow = copy.deepcopy(mixture)
    narrow.gate.top_k = top_k
    return lambda rows: predict_probability(narrow, rows)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
