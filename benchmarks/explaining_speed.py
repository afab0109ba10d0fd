"""Alerts explained per second: the 200 test rows of the highest scores of an ADBench table, as the pipeline does it.

usage: python benchmarks/explaining_speed.py TABLE.npz [TRAIN_SIZE]

The committee is trained as ever, which decides whether the mixture looks at neighbours; the mixture learns from it for
a few steps only, and there is no synthesis, for neither makes a difference to speed. The least time of three counts:
machines are shared.
"""

from __future__ import annotations

import sys
import timeit
from pathlib import Path

from splits import Split

from swift_hydra_kedro import SwiftHydraClassifier
from swift_hydra_kedro.explanation import Explainer

ALERTS, ROUNDS = 200, 3
BRIEF = {"max_steps": 10, "min_steps": 1}


def main(file: str, train_size: float) -> None:
    """Train and explain."""
    cell = Split.read(Path(file), train_size, 0)
    gate = {"training": BRIEF, "joint_training": BRIEF}
    model = SwiftHydraClassifier(random_state=0, synthesis={"enabled": False}, detection={"gate": gate})
    scorer = model.fit(cell.train.features, cell.train.label).scorer_
    alerts = cell.test.features.iloc[(-scorer.score(cell.test.features)).argsort()[:ALERTS]]
    seconds = min(timeit.repeat(lambda: Explainer(scorer).explain(alerts), number=1, repeat=ROUNDS))
    neighbours = "without" if scorer.mixture.neighbourhood is None else "with"
    print(f"{cell.dataset}, {alerts.shape[1]} columns, {neighbours} neighbours: {len(alerts) / seconds:.1f} alerts/s")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 0.4)
