"""What synthetic anomalies are worth: none, Swift Hydra's, Gaussian jitter and SMOTE, in the same numbers and weights.

usage: python benchmarks/synthesis_gain.py --data FOLDER [--datasets 6_cardio,47_yeast] [--train-sizes 0.1]
                                           [--seeds 0,1] [--anomalies 3] [--out docs/results/synthesis_gain.csv]

FOLDER holds ADBench .npz files; all of them of at most 20,000 rows are taken unless some are named. Only the
synthetic rows differ: real rows, seeds and budget of the mixture are the same. With --anomalies no more are left to
learn from than so many, whatever the share of the rows; such results need a file of their own. A result is written at
once, and a later call goes on where this one stopped. Prints, by share of training rows, the mean gain over no
synthetic rows with its 95 % interval over splits, and how many splits gained and lost.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch
from splits import SPLIT, Record, Split, parser, ranking, run
from torch import Tensor

from swift_hydra_kedro.baselines.oversamplers.smote import FewShotSMOTE
from swift_hydra_kedro.config import SwiftHydraConfig
from swift_hydra_kedro.detection.training import train_mixture_of_experts
from swift_hydra_kedro.estimator import generate
from swift_hydra_kedro.models.fitting import LabelledRows
from swift_hydra_kedro.models.inference import Predictor

JITTER = 0.3  # standard deviations of a feature
METHODS = ["none", "swift_hydra", "jitter", "smote"]


def main() -> None:
    """Measure all splits and print the gains."""
    options = parser(str(__doc__), "synthesis_gain.csv")
    options.add_argument("--anomalies", type=int, default=sys.maxsize)
    arguments = options.parse_args()
    results = run(
        arguments, METHODS, lambda cell, missing: measure(cell.at_most_anomalies(arguments.anomalies), missing)
    )
    for metric in ("auc_roc", "auc_pr"):
        table = results.pivot_table(metric, SPLIT, "method").dropna()
        gains = table.drop(columns="none").sub(table["none"], axis=0)
        print(f"\n{metric}\n{gains.groupby('train_size').apply(summary).round(4).to_string()}")


def summary(gains: pd.DataFrame) -> pd.DataFrame:
    """Mean gain, half its 95 % interval, splits that gained, splits that lost."""
    half = 1.96 * gains.std() / np.sqrt(len(gains))
    counts = {"gained": (gains > 1e-4).sum(), "lost": (gains < -1e-4).sum(), "splits": len(gains)}
    return pd.DataFrame({"mean": gains.mean(), "+-": half} | counts)


def measure(cell: Split, missing: list[str]) -> Iterator[Record]:
    """Train the mixture on the real rows and each kind of synthetic ones."""
    config = SwiftHydraConfig()
    x, y, x_test, y_test = cell.scaled()
    rows = LabelledRows.from_arrays(x, y, np.ones(len(y)), torch.device("cpu"))
    ours = generate(rows, config.pretraining, config.synthesis, cell.seed)[0].synthetic.x
    for name in missing:
        synthetic = make(name, rows, ours, cell.seed)
        mixture, _ = train_mixture_of_experts(rows, synthetic, config.detection, cell.seed)
        score = Predictor(mixture)(x_test)
        yield {
            "method": name,
            **ranking(y_test, score),
            "n_anomalies": int(y.sum()),
            "n_synthetic": len(synthetic),
        }


def make(name: str, rows: LabelledRows, ours: Tensor, seed: int) -> Tensor:
    """Synthetic rows `(g, P)` of one kind, as many as `ours` or none."""
    generator = torch.Generator().manual_seed(seed)
    if name == "swift_hydra":
        return ours
    if name == "jitter":
        parents = rows.anomalies[torch.randint(len(rows.anomalies), (len(ours),), generator=generator)]
        return parents + JITTER * torch.randn(parents.shape, generator=generator)
    if name == "smote":
        n = int(rows.y.sum()) + len(ours)
        x, _ = FewShotSMOTE(sampling_strategy={1: n}, random_state=seed).fit_resample(
            rows.x.numpy(), rows.y.numpy().astype(int)
        )
        return torch.as_tensor(x[len(rows.y) :])
    return ours[:0]


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
