"""Every method of the registry of baselines on the same splits; of over-samplers, with the extra trees that they feed.

usage: python benchmarks/baselines.py --data FOLDER [--datasets 6_cardio,47_yeast] [--train-sizes 0.4,0.1] [--seeds 0]
                                      [--methods ecod,smote__extra_trees] [--max-rows 20000]
                                      [--out docs/results/baselines.csv]
       python benchmarks/baselines.py [--out docs/results/baselines.csv]

FOLDER holds ADBench .npz files; without it, nothing more is measured. Each method's result on a split is written at
once, and a later call goes on where this one stopped. A method that fails on a split is recorded with the error, and
not tried again until its line is deleted. Prints, for the splits on which no method failed, the means, the mean ranks
and the seconds of all fits and predictions, and then the failures; the same is written as a Markdown page beside the
results. What a library compiles when it first fits or predicts counts. Needs
`pip install 'swift_hydra_kedro[benchmark]'`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import numpy as np
import pandas as pd
from report import summary
from splits import Record, Split, parser, ranking, run, words

from swift_hydra_kedro.baselines.registry import BETWEEN, DETECTORS, OVERSAMPLERS, check_names, get_method
from swift_hydra_kedro.config import RunConfig, SwiftHydraConfig
from swift_hydra_kedro.evaluation.comparison import by_split, markdown

FED = "extra_trees"
METHODS = [*DETECTORS, *(f"{oversampler}{BETWEEN}{FED}" for oversampler in OVERSAMPLERS)]
SECONDS = {"fit_seconds": "s to fit, all", "predict_seconds": "s to predict, all"}


def main() -> None:
    """Measure what is missing and print the comparison."""
    options = parser(str(__doc__), "baselines.csv")
    options.add_argument("--methods", type=words, default=METHODS)
    arguments = options.parse_args()
    try:
        check_names(arguments.methods)
    except (ValueError, ImportError) as error:
        sys.exit(str(error))
    results = run(arguments, arguments.methods, measure)
    tables = page(results[results["method"].isin(arguments.methods)])
    arguments.out.with_suffix(".md").write_text(tables, encoding="utf-8")
    print(tables)


def measure(cell: Split, methods: list[str]) -> Iterator[Record]:
    """Fit and score each method on one split, as the evaluation does."""
    rows = cell.scaled(clipped=False)
    for name in methods:
        try:
            record = fit_and_score(name, rows, cell.seed) | {"error": None}
        except Exception as error:  # whatever a library raises: the other methods are measured, and this is told
            nothing = dict.fromkeys(("auc_roc", "auc_pr", *SECONDS, "rejected_share"), np.nan)
            record = nothing | {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        n_train, limit = len(rows[1]), get_method(name).detector.max_rows
        yield {"method": name, **record, "n_train": n_train, "n_fitted": min(n_train, limit or n_train)}


def fit_and_score(name: str, rows: tuple[np.ndarray, ...], seed: int) -> Record:
    """How well a method ranks the test rows, its seconds, and the share of the rows that it rejects, if it may."""
    x, y, x_test, y_test = rows
    method, run_config, config = get_method(name), RunConfig(seed=seed), SwiftHydraConfig()
    for entry in filter(None, (method.detector, method.oversampler)):
        entry.build(run_config, config)  # imports its library, which is no part of a fit
    start = time.perf_counter()
    fitted_method = method.fit(x, y, run_config, config)
    fitted = time.perf_counter()
    score = fitted_method.score(x_test)
    scored = time.perf_counter()
    seconds = {"fit_seconds": fitted - start, "predict_seconds": scored - fitted}
    return ranking(y_test, score) | seconds | {"rejected_share": fitted_method.rejected_share(x_test)}


def page(results: pd.DataFrame) -> str:
    """A table for each train share, and what failed."""
    shares = sorted(results.groupby("train_size"), reverse=True)
    return "\n\n".join(["# Baselines", *(section(*share) for share in shares)]) + "\n"


def section(train_size: float, results: pd.DataFrame) -> str:
    """All methods at one train share."""
    splits = by_split(results, "auc_roc")
    sums = {label: by_split(results, column).sum() for column, label in SECONDS.items()}
    table = summary(results).drop(columns=["s to fit", "s to predict"]).assign(**sums)
    table["rejected rows"] = results.groupby("method")["rejected_share"].mean()
    n_sets = splits.index.get_level_values("dataset").nunique()
    title = f"## {train_size:.0%} of the rows in training: {n_sets} data sets, {len(splits)} splits without failures"
    return "\n\n".join([title, markdown(table), failures(results)])


def failures(results: pd.DataFrame) -> str:
    """A line for each method and split that failed."""
    failed = results[results["error"].notna()].sort_values(["method", "dataset", "seed"])
    lines = [f"- {row.method} on {row.dataset}, seed {row.seed}: {row.error}" for row in failed.itertuples()]
    return "\n".join(["Failed:\n", *lines]) if lines else "No method failed."


if __name__ == "__main__":
    main()
