"""Which results of many methods on many splits can be compared, and the means over them.

Methods are compared on the same splits or not at all: a mean over the tables on which a method happened not to fail
says nothing. Results are frames with a row for each split and method, `dataset`, `train_size`, `seed`, `method`, and
the metrics as columns, which are null where the method failed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

SPLIT = ["dataset", "train_size", "seed"]
SAME = 6  # decimals: smaller differences of a metric are none


class Compared(NamedTuple):
    """Results that can be compared, and what cannot.

    Attributes
    ----------
    results : those of the methods compared, on the splits that all of them have
    methods : a row for each method that was tried, with the splits it `has`, `of` so many tried, on `n_datasets`, and
        whether it is `compared`
    n_splits : all that any method was tried on
    """

    results: pd.DataFrame
    methods: pd.DataFrame
    n_splits: int

    @property
    def n_common(self) -> int:
        """Number of splits that all compared methods have."""
        return self.results[SPLIT].drop_duplicates().shape[0]

    @property
    def n_datasets(self) -> int:
        """Number of data sets with such a split."""
        return self.results["dataset"].nunique()


def compare(results: pd.DataFrame, coverage: float, metric: str = "auc_roc") -> Compared:
    """Methods with at least the share `coverage` of the data sets of the method that has most, and their common splits.

    Those that have fewer would leave the others too few data sets to be compared on.
    """
    measured = results.dropna(subset=metric)
    n_datasets = measured.groupby("method")["dataset"].nunique()
    methods = pd.DataFrame({"has": results.groupby("method")[metric].count(), "of": results.groupby("method").size()})
    methods["n_datasets"] = n_datasets.reindex(methods.index, fill_value=0)
    methods["compared"] = methods["n_datasets"] >= max(1, coverage * methods["n_datasets"].max())
    table = by_split(measured[measured["method"].isin(methods.index[methods["compared"]])], metric)
    splits = pd.MultiIndex.from_frame(results[SPLIT])
    kept = splits.isin(table.index) & results["method"].isin(table.columns)
    return Compared(results[kept], methods, splits.nunique())


def by_split(results: pd.DataFrame, metric: str) -> pd.DataFrame:
    """A metric of each method by split, `(S, methods)`: of the splits that all methods have."""
    return results.pivot_table(metric, SPLIT, "method").dropna()


def by_dataset(results: pd.DataFrame, metric: str) -> pd.DataFrame:
    """A metric of each method by data set, `(D, methods)`: means over the splits that all methods have."""
    return by_split(results, metric).groupby("dataset").mean()


def ranks(table: pd.DataFrame) -> pd.DataFrame:
    """Rank of each method on each data set, `(D, methods)`, 1 for the highest; equals share the mean of their ranks."""
    return table.round(SAME).rank(axis=1, ascending=False)


def leaderboard(common: pd.DataFrame) -> pd.DataFrame:
    """Each method's means and sums over the splits of `Compared.results`, the highest mean AUC-ROC first.

    Returns
    -------
    DataFrame
        By `method`: `auc_roc`, `auc_pr`, means over data sets of the means over their splits; `rank` by AUC-ROC, the
        mean over data sets; `wins`, the data sets on which no method is better; `tif`, the total inference time, and
        `fit_seconds`, sums over all splits; `peak_memory`, the most bytes on any of them.
    """
    auc_roc = by_dataset(common, "auc_roc")
    of_method = common.groupby("method")
    board = pd.DataFrame(
        {
            "auc_roc": auc_roc.mean(),
            "auc_pr": common.groupby(["method", "dataset"])["auc_pr"].mean().groupby("method").mean(),
            "rank": ranks(auc_roc).mean(),
            "wins": (auc_roc.round(SAME).eq(auc_roc.round(SAME).max(axis=1), axis=0)).sum(),
            "tif": of_method["predict_seconds"].sum(),
            "fit_seconds": of_method["fit_seconds"].sum(),
            "peak_memory": of_method["peak_memory"].max(),
        }
    )
    return board.sort_values("auc_roc", ascending=False, kind="stable").rename_axis("method")


def by_train_size(results: pd.DataFrame, coverage: float) -> pd.DataFrame:
    """Mean AUC-ROC of each method at each train size, `(sizes, methods)`, over the same data sets at all of them.

    Train sizes with less than the share `coverage` of the data sets of the one that has most are left out; so are, of
    the methods, those with fewer at all of these sizes. `attrs["n_datasets"]` says on how many the others are compared.
    """
    measured = results.dropna(subset="auc_roc")
    of_size = measured.groupby("train_size")["dataset"].nunique()
    sizes = of_size.index[of_size >= coverage * of_size.max()]
    measured = measured[measured["train_size"].isin(sizes)]
    n_sizes = measured.groupby(["method", "dataset", "seed"])["train_size"].nunique()
    whole = n_sizes[n_sizes == len(sizes)].reset_index().groupby("method")["dataset"].nunique()
    part = measured[measured["method"].isin(whole.index[whole >= coverage * whole.max()])]
    table = part.pivot_table("auc_roc", ["dataset", "seed"], ["method", "train_size"]).dropna()
    means = table.groupby("dataset").mean().mean().unstack("method")
    means.attrs["n_datasets"] = table.index.get_level_values("dataset").nunique()
    return means


def markdown(table: pd.DataFrame) -> str:
    """A table with its index in Markdown, numbers to four digits."""
    lines = [[str(table.index.name), *map(str, table.columns)], ["---"] * (1 + len(table.columns))]
    lines += [[str(name), *map(_cell, row)] for name, row in zip(table.index, table.to_numpy(object), strict=True)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{value:.4f}"
    return "" if value is None else str(value)
