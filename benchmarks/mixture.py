"""What the gate costs and gains: two experts per row, all, two by chance, the committee, one detector, extra trees.

usage: python benchmarks/mixture.py --data FOLDER [--datasets 6_cardio,47_yeast] [--train-sizes 0.4,0.1] [--seeds 0]
                                    [--out docs/results/mixture.csv]
       python benchmarks/mixture.py [--out docs/results/mixture.csv]

FOLDER holds ADBench .npz files; all of them of at most 20,000 rows are taken unless some are named; without it, nothing
more is measured. The mixture is trained with the default budget and without synthesis. A result is written at once, and
a later call goes on where this one stopped. Prints the means over data sets, and writes them as a Markdown page beside
the results.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import torch
from splits import Record, Split, parser, ranking, run

from swift_hydra_kedro.baselines.registry import get_method
from swift_hydra_kedro.config import RunConfig, SwiftHydraConfig
from swift_hydra_kedro.detection.training import describe_rows, find_regions, train_experts, train_gate
from swift_hydra_kedro.evaluation.comparison import by_dataset, markdown
from swift_hydra_kedro.models.fitting import LabelledRows
from swift_hydra_kedro.models.inference import Predictor, expert_load
from swift_hydra_kedro.models.mome import MixtureOfExperts, NoisyTopKGate
from swift_hydra_kedro.synthesis.pretraining import hold_out, pretrain

N_TIMED = 10_000
CHUNK = 8192
EXPERTS_PER_ROW = (1, 2, 4, 8, 20)
ALL = "mean of all"
METHODS = [
    "committee",
    ALL,
    "two at random",
    "the same two",
    *(f"top {k}" for k in EXPERTS_PER_ROW),
    "single detector",
    "extra trees",
]
Score = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    """Measure all splits and print the means."""
    arguments = parser(str(__doc__), "mixture.csv").parse_args()
    tables = page(run(arguments, METHODS, measure))
    arguments.out.with_suffix(".md").write_text(tables, encoding="utf-8")
    print(tables)


def page(results: pd.DataFrame) -> str:
    """A table for each train share."""
    shares = sorted(results.groupby("train_size"), reverse=True)
    return "\n\n".join(["# The gate", *(section(*share) for share in shares)]) + "\n"


def section(train_size: float, results: pd.DataFrame) -> str:
    """Means over data sets, speed relative to that of all experts, and the busiest expert's share of the rows."""
    auc_roc, auc_pr, rate = (by_dataset(results, name)[METHODS] for name in ("auc_roc", "auc_pr", "rows_per_second"))
    clustered = results[results["n_clusters"] > 1].groupby("method")["largest_share"]
    table = pd.DataFrame(
        {
            "AUC-ROC": auc_roc.mean(),
            "- mean of all": auc_roc.mean() - auc_roc[ALL].mean(),
            "AUC-PR": auc_pr.mean(),
            "times as fast as all": np.exp(np.log(rate).sub(np.log(rate[ALL]), axis=0).mean()),
            "busiest expert": clustered.mean(),
            "at worst": clustered.max(),
        }
    )
    title = f"## {train_size:.0%} of the rows in training: {len(auc_roc)} data sets"
    return f"{title}\n\n{markdown(table.loc[METHODS].rename_axis('method'))}"


def measure(cell: Split, missing: list[str]) -> Iterator[Record]:
    """AUC-ROC, AUC-PR, rows per second, and the largest share of the rows that an expert is asked about."""
    x, y, x_test, y_test = cell.scaled()
    scores, n_clusters = methods(x, y, cell.seed)
    for name in missing:
        score, mixture = scores[name]
        busiest = np.nan if mixture is None else expert_load(mixture, x_test).max() * mixture.gate.top_k
        yield {
            "method": name,
            **ranking(y_test, score(x_test)),
            "rows_per_second": rows_per_second(score, x_test),
            "largest_share": busiest,
            "n_clusters": n_clusters,
        }


def rows_per_second(score: Score, x: np.ndarray) -> float:
    """Of at least `N_TIMED` rows, the best of three tries."""
    rows = np.tile(x, (-(-N_TIMED // len(x)), 1))
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        score(rows)
        seconds.append(time.perf_counter() - start)
    return len(rows) / min(seconds)


def methods(x: np.ndarray, y: np.ndarray, seed: int) -> tuple[dict[str, tuple[Score, MixtureOfExperts | None]], int]:
    """Train all on rows `x (N, P)`, labels `y (N,)`; those with a gate come with theirs. And how many clusters."""
    defaults = SwiftHydraConfig()
    config = defaults.detection
    rows = LabelledRows.from_arrays(x, y, np.ones(len(y)), torch.device("cpu"))
    none = torch.empty(0, x.shape[1])
    regions = find_regions(rows, none, config.experts, seed)
    described = describe_rows(rows, none, regions)
    trained = train_experts(described, regions, config.experts, seed)
    committee = trained.committee
    mixture, _ = train_gate(committee, trained.out_of_bag, described, regions, config, seed)
    n_experts, generator = config.experts.n_experts, torch.Generator().manual_seed(seed)
    two = torch.randperm(n_experts, generator=generator)[:2]
    single = pretrain(*hold_out(rows, defaults.pretraining.detector.holdout_share, seed), defaults.pretraining, seed)
    extra_trees = get_method("extra_trees").fit(x, y, RunConfig(seed=seed), defaults)
    even = [  # all, two at random, the same two
        EvenGate(lambda rows: torch.arange(n_experts).expand(rows, -1)),
        EvenGate(lambda rows: torch.rand(rows, n_experts, generator=generator).topk(2).indices),
        EvenGate(lambda rows: two.expand(rows, -1)),
    ]
    own = [with_gate(mixture, choosing(mixture.gate, k)) for k in EXPERTS_PER_ROW]
    scores: list[tuple[Score, MixtureOfExperts | None]] = [
        (in_chunks(lambda x: committee(mixture.describe(x))), None),
        *((Predictor(with_gate(mixture, gate)), None) for gate in even),
        *((Predictor(model), model) for model in own),
        (Predictor(single.detector), None),
        (extra_trees.score, None),
    ]
    return dict(zip(METHODS, scores, strict=True)), len(regions.clusters.centres)


class EvenGate(torch.nn.Module):
    """Stands in for the gate: `choose` says which k experts B rows get, `(B, k)`; all have the same weight."""

    def __init__(self, choose: Callable[[int], torch.Tensor]) -> None:
        super().__init__()
        self.choose, self.top_k = choose, choose(1).shape[1]

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights and indices of the chosen experts, `(B, P)` -> `(B, k)` each."""
        chosen = self.choose(len(x))
        return x.new_full(chosen.shape, 1 / self.top_k), chosen


def in_chunks(probability: Callable[[torch.Tensor], torch.Tensor]) -> Score:
    """Score rows a chunk at a time, so that memory stays flat."""

    @torch.inference_mode()
    def score(rows: np.ndarray) -> np.ndarray:
        return torch.cat([probability(part) for part in torch.as_tensor(rows).split(CHUNK)]).numpy()

    return score


def with_gate(mixture: MixtureOfExperts, gate: torch.nn.Module) -> MixtureOfExperts:
    """The same experts behind another gate."""
    return MixtureOfExperts(mixture.experts, gate, mixture.neighbourhood)


def choosing(gate: NoisyTopKGate, top_k: int) -> NoisyTopKGate:
    """The same gate with k experts per row."""
    other = copy.copy(gate)
    other.top_k = top_k
    return other


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
