"""What the gate costs and gains: two experts per row, all, two at random, the committee, one detector, extra trees.

usage: python benchmarks/mixture.py --data FOLDER [--datasets 6_cardio,47_yeast] [--train-sizes 0.4,0.1] [--seeds 0]
                                    [--out docs/results/mixture.csv]

FOLDER holds ADBench .npz files; all of them of at most 20,000 rows are taken unless some are named. The mixture is
trained with the default budget and without synthesis. A result is written at once, and a later call goes on where
this one stopped. Prints the means over splits of each method.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from splits import Record, Split, parser, ranking, run

from swift_hydra_kedro.baselines.registry import anomaly_score, fit, get_baseline
from swift_hydra_kedro.config import RunConfig, SwiftHydraConfig
from swift_hydra_kedro.detection.training import describe_rows, find_regions, train_experts, train_gate
from swift_hydra_kedro.models.fitting import LabelledRows
from swift_hydra_kedro.models.inference import expert_load, predict_probability
from swift_hydra_kedro.models.mome import MixtureOfExperts
from swift_hydra_kedro.synthesis.pretraining import hold_out, pretrain

EXPERTS_PER_ROW = (1, 2, 4, 8, 20)
METHODS = [
    "committee",
    "mean of all",
    "two at random",
    *(f"top {k}" for k in EXPERTS_PER_ROW),
    "single detector",
    "extra trees",
]
Score = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    """Measure all splits and print the means."""
    arguments = parser(str(__doc__), "mixture.csv").parse_args()
    results = run(arguments, METHODS, measure)
    columns = ["auc_roc", "auc_pr", "rows_per_second", "largest_share"]
    print(results.groupby(["train_size", "method"])[columns].mean().round(4).to_string())


def measure(cell: Split, missing: list[str]) -> Iterator[Record]:
    """AUC-ROC, AUC-PR, rows per second, and the largest share of the rows that one expert gets."""
    x, y, x_test, y_test = cell.scaled()
    for name, (score, mixture) in methods(x, y, cell.seed).items():
        if name in missing:
            start = time.perf_counter()
            scores = score(x_test)
            seconds = time.perf_counter() - start
            yield {
                "method": name,
                **ranking(y_test, scores),
                "rows_per_second": len(y_test) / seconds,
                "largest_share": expert_load(mixture, x_test).max() if mixture is not None else np.nan,
            }


def methods(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, tuple[Score, MixtureOfExperts | None]]:
    """Train all methods on rows `x (N, P)` and labels `y (N,)`; those with a gate come with their mixture."""
    defaults = SwiftHydraConfig()
    config = defaults.detection
    rows = LabelledRows.from_arrays(x, y, np.ones(len(y)), torch.device("cpu"))
    none = torch.empty(0, x.shape[1])
    regions = find_regions(rows, none, config.experts, seed)
    described = describe_rows(rows, none, regions)
    committee, _, out_of_bag = train_experts(described, regions, config.experts, seed)
    mixture, _ = train_gate(committee, out_of_bag, described, regions, config, seed)
    two = torch.randperm(config.experts.n_experts, generator=torch.Generator().manual_seed(seed))[:2]
    single = pretrain(*hold_out(rows, defaults.pretraining.detector.holdout_share, seed), defaults.pretraining, seed)
    extra_trees = get_baseline("extra_trees")
    forest = extra_trees.build(RunConfig(seed=seed), defaults)
    fit(extra_trees, forest, x, y)
    narrow = [gated(mixture, k) for k in EXPERTS_PER_ROW]
    scores: list[tuple[Score, MixtureOfExperts | None]] = [
        (in_chunks(lambda x: committee(mixture.describe(x))), None),
        (in_chunks(lambda x: mixture.all_probabilities(mixture.describe(x)).mean(0)), None),
        (in_chunks(lambda x: mixture.all_probabilities(mixture.describe(x))[two].mean(0)), None),
        *((partial(predict_probability, model), model) for model in narrow),
        (partial(predict_probability, single.detector), None),
        (partial(anomaly_score, forest), None),
    ]
    return dict(zip(METHODS, scores, strict=True))


def in_chunks(probability: Callable[[torch.Tensor], torch.Tensor]) -> Score:
    """Score rows a chunk at a time, so that memory stays flat."""

    @torch.inference_mode()
    def score(rows: np.ndarray) -> np.ndarray:
        return torch.cat([probability(part) for part in torch.as_tensor(rows).split(2048)]).numpy()

    return score


def gated(mixture: MixtureOfExperts, top_k: int) -> MixtureOfExperts:
    """The mixture with k experts per row."""
    narrow = copy.deepcopy(mixture)
    narrow.gate.top_k = top_k
    return narrow


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
