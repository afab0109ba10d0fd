"""Methods compared over data sets, as a Markdown page."""

from __future__ import annotations

import pandas as pd
from scipy.stats import wilcoxon

from swift_hydra_kedro.evaluation.comparison import by_dataset, by_split, markdown
from swift_hydra_kedro.evaluation.statistics import holm

OURS = "swift_hydra"
FORESTS = ["extra_trees", "random_forest"]
METRICS = {"auc_roc": "AUC-ROC", "auc_pr": "AUC-PR"}
COSTS = {"calibration_error": "calibration error", "fit_seconds": "s to fit", "predict_seconds": "s to predict"}
NOTEWORTHY = 0.005


def page(results: pd.DataFrame) -> str:
    """The means at all train shares, then each share by itself; everywhere the splits that all methods have."""
    shares = dict(sorted(results.groupby("train_size"), reverse=True))
    overview = []
    for metric, label in METRICS.items():
        tables = {size: by_dataset(part, metric) for size, part in shares.items()}
        means = pd.DataFrame({f"{size:.0%} ({len(table)} sets)": table.mean() for size, table in tables.items()})
        means = means.sort_values(means.columns[-1], ascending=False).rename_axis("method")
        overview.append(f"Mean {label} over data sets, by the share of the rows in training:\n\n{markdown(means)}")
    return "\n\n".join(["# Accuracy by method", *overview, *(section(*share) for share in shares.items())]) + "\n"


def section(train_size: float, results: pd.DataFrame) -> str:
    """All methods at one train share, and AUC-ROC by data set."""
    table, means = by_dataset(results, "auc_roc"), summary(results)
    n_splits = len(by_split(results, "auc_roc"))
    title = f"## {train_size:.0%} of the rows in training: {len(table)} data sets, {n_splits} splits"
    parts = [title, markdown(means)]
    table = table[means.index]
    if {OURS, *FORESTS} <= set(table):
        above = table[OURS] - table[FORESTS].max(axis=1)
        below = above[above < -NOTEWORTHY].sort_values()
        named = ", ".join(f"{name} {gap:.4f}" for name, gap in below.items()) or "nowhere"
        parts.append(f"More than {NOTEWORTHY} below the better forest in AUC-ROC: {named}.")
        table = table.assign(**{"above the better forest": above})
    return "\n\n".join([*parts, "AUC-ROC by data set:", markdown(table)])


def summary(results: pd.DataFrame) -> pd.DataFrame:
    """Of each method: means, mean ranks over data sets, Wilcoxon's test against ours by Holm, calibration, seconds."""
    columns = {}
    for metric, label in METRICS.items():
        table = by_dataset(results, metric)
        columns[label] = table.mean()
        columns[f"rank by {label}"] = table.rank(axis=1, ascending=False).mean()
        others = [name for name in table if name != OURS]
        if OURS in table and len(table) > 1 and others:
            columns[f"p ({label})"] = holm(
                pd.Series({name: wilcoxon(table[OURS], table[name]).pvalue for name in others})
            )
    columns |= {label: by_dataset(results, metric).mean() for metric, label in COSTS.items() if metric in results}
    return pd.DataFrame(columns).sort_values("AUC-ROC", ascending=False).rename_axis("method")
