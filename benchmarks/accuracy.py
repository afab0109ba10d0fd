"""Swift Hydra and what its users would take otherwise, on the same splits.

usage: python benchmarks/accuracy.py --data FOLDER [--datasets 6_cardio,47_yeast] [--train-sizes 0.4,0.1] [--seeds 0]
                                     [--methods swift_hydra,extra_trees] [--max-rows 20000]
                                     [--out docs/results/accuracy.csv]
       python benchmarks/accuracy.py [--out docs/results/accuracy.csv]

FOLDER holds ADBench .npz files; without it, nothing more is measured. Each method's result on a split is written at
once, and a later call goes on where this one stopped. Prints, for the splits that all methods have, the means, the mean
ranks, Wilcoxon's signed-rank test of each method against Swift Hydra with Holm's correction, and AUC-ROC by data set;
the same is written as a Markdown page beside the results. The peers need `pip install -e '.[benchmark]'`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

from report import OURS, page
from sklearn.base import BaseEstimator
from splits import Record, Split, parser, ranking, run, words

from swift_hydra_kedro import SwiftHydraClassifier
from swift_hydra_kedro.baselines.registry import check_names, get_method
from swift_hydra_kedro.config import RunConfig, SwiftHydraConfig
from swift_hydra_kedro.evaluation.metrics import expected_calibration_error


def _baseline(name: str) -> Callable[[int], BaseEstimator]:
    def build(seed: int) -> BaseEstimator:
        check_names([name])
        return get_method(name).detector.build(RunConfig(seed=seed), SwiftHydraConfig())

    return build


PEERS = {name: _baseline(name) for name in ("extra_trees", "random_forest", "lightgbm", "xgboost", "catboost")}
METHODS = {OURS: lambda seed: SwiftHydraClassifier(random_state=seed)} | PEERS


def main() -> None:
    """Measure what is missing and print the comparison."""
    options = parser(str(__doc__), "accuracy.csv")
    options.add_argument("--methods", type=words, default=list(METHODS))
    arguments = options.parse_args()
    if unknown := [name for name in arguments.methods if name not in METHODS]:
        sys.exit(f"unknown methods {unknown}; there are {sorted(METHODS)}")
    results = run(arguments, arguments.methods, measure)
    tables = page(results[results["method"].isin(arguments.methods)])
    arguments.out.with_suffix(".md").write_text(tables, encoding="utf-8")
    print(tables)


def measure(cell: Split, methods: list[str]) -> Iterator[Record]:
    """Fit and score each method on one split."""
    x, y = cell.train.features.to_numpy(), cell.train.label.to_numpy()
    x_test, y_test = cell.test.features.to_numpy(), cell.test.label.to_numpy()
    for name in methods:
        model = METHODS[name](cell.seed)
        start = time.perf_counter()
        model.fit(x, y)
        fitted = time.perf_counter()
        score = model.predict_proba(x_test)[:, 1]
        yield {
            "method": name,
            **ranking(y_test, score),
            "calibration_error": expected_calibration_error(y_test, score),
            "n_train": len(y),
            "n_anomalies": int(y.sum()),
            "n_synthetic": len(getattr(model, "synthetic_", ())),
            "fit_seconds": fitted - start,
            "predict_seconds": time.perf_counter() - fitted,
        }


if __name__ == "__main__":
    main()
