"""What the rules for the threshold ask for, and what test rows then give.

usage: python benchmarks/decision.py --data FOLDER [--datasets 6_cardio,47_yeast] [--train-sizes 0.4] [--seeds 0]
                                     [--max-rows 12000] [--out docs/results/decision.csv]

FOLDER holds ADBench .npz files. Thresholds are chosen on training rows that the networks had not drawn, without
synthetic rows, one model for all rules. A result is written at once, and a later call goes on where this one stopped.
Prints, by rule, the quartiles over splits of what training rows promised and what test rows gave.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from splits import SPLIT, Record, Split, parser, run

from swift_hydra_kedro.config import DecisionConfig, DetectionConfig
from swift_hydra_kedro.detection.training import train_mixture_of_experts
from swift_hydra_kedro.evaluation.decision import choose_threshold, trade_off
from swift_hydra_kedro.models.fitting import LabelledRows
from swift_hydra_kedro.models.inference import Predictor

RULES = {
    "budget_10": DecisionConfig(rule="budget", alerts_per_1000=10),
    "budget_50": DecisionConfig(rule="budget", alerts_per_1000=50),
    "precision_0.8": DecisionConfig(rule="precision", precision=0.8),
    "recall_0.8": DecisionConfig(rule="recall", recall=0.8),
    "recall_0.9": DecisionConfig(rule="recall", recall=0.9),
    "costs_10_1": DecisionConfig(rule="costs", cost_of_miss=10, cost_of_false_alarm=1),
}


def main() -> None:
    """Measure all splits and print the quartiles by rule."""
    results = run(parser(str(__doc__), "decision.csv").parse_args(), list(RULES), measure)
    names = [name for name in results.columns if name not in {*SPLIT, "method"}]
    quartiles = results.groupby(["train_size", "method"])[names].quantile([0.25, 0.5, 0.75])
    print(quartiles.T.round(3).to_string())


def measure(cell: Split, missing: list[str]) -> Iterator[Record]:
    """Train once, choose by each rule, and count on the test rows."""
    x, y, x_test, y_test = cell.scaled()
    rows = LabelledRows.from_arrays(x, y, np.ones(len(y)), torch.device("cpu"))
    mixture, out_of_bag = train_mixture_of_experts(rows, torch.empty(0, x.shape[1]), DetectionConfig(), cell.seed)
    score = Predictor(mixture)(x_test)
    for name in missing:
        chosen = choose_threshold(out_of_bag.probability, out_of_bag.y, out_of_bag.weight, RULES[name])
        promised = {f"promised_{measure}": value for measure, value in chosen.expected.items()}
        yield {"method": name, "reached": chosen.reached} | promised | _given(y_test, score, chosen.threshold, name)


def _given(y: np.ndarray, score: np.ndarray, threshold: float, name: str) -> Record:
    flagged = score >= threshold
    found = int((flagged & (y == 1)).sum())
    curve = trade_off(score, y, np.ones(len(y)))
    rule = RULES[name]
    costs = rule.cost_of_miss * (y.sum() - found) + rule.cost_of_false_alarm * (flagged.sum() - found)
    least = (rule.cost_of_miss * curve["missed"] + rule.cost_of_false_alarm * curve["false_alarms"]).min()
    return {
        "alerts_per_1000": 1000 * flagged.mean(),
        "precision": found / flagged.sum() if flagged.any() else float("nan"),
        "recall": found / y.sum(),
        "costs_over_least": costs / least if least else float("nan"),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
