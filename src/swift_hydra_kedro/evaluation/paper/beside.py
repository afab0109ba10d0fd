"""Results of this project beside the paper's figures.

The paper's means are over 57 data sets; ours over those that were measured, which each table says. Its data sets of
images and texts are families of files, of which ours are averaged. Its seconds are those of its authors' machine: only
ratios to Swift Hydra's compare.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from swift_hydra_kedro.evaluation.comparison import Compared, compare
from swift_hydra_kedro.evaluation.names import WHOLE
from swift_hydra_kedro.evaluation.paper.printed import (
    PER_DATASET_TRAIN_SIZE,
    doubts,
    means,
    per_dataset,
)

METRICS = {
    "auc_roc": "auc_roc",
    "precision_normal": "precision_0",
    "recall_normal": "recall_0",
    "f1_normal": "f1_0",
    "precision_anomaly": "precision_1",
    "recall_anomaly": "recall_1",
    "f1_anomaly": "f1_1",
}  # by table 9's names


def beside_means(results: pd.DataFrame, table: int, sets: Mapping[str, str], coverage: float) -> pd.DataFrame:
    """Table 1, 4, 5, 6 or 7 beside ours, on the splits that all of its methods have which can be compared.

    Parameters
    ----------
    results : a row per cell
    table : the paper's number
    sets : the paper's data set of each of ours, `{"CIFAR10_0": "CIFAR10"}`; others do not count
    coverage : see `compare`

    Returns
    -------
    DataFrame
        `method`, the paper's name; `ours`; `train_size`; `paper`, its mean AUC-ROC over 57 data sets; `paper_same`, the
        mean of table 9 over the sets that `mean` is of, where the paper has it; `mean`, ours, NaN where there is none;
        `difference`, of `mean` and `paper`; `n_datasets` and `n_splits` that it is of; `paper_tif` and
        `tif`, total inference times as multiples of Swift Hydra's.
    """
    printed, known = means(table), results[results["dataset"].isin(sets)]
    parts = []
    for size, lines in printed.groupby("train_size", sort=False):
        part = known[(known["train_size"] == size) & known["method"].isin(lines["ours"])]
        parts.append(_one_size(lines, compare(part, coverage), sets))
    found = pd.concat(parts)
    order = [(method, ours) for method, ours in zip(printed["method"], printed["ours"], strict=True)]
    found.index = pd.Index([order.index(key) for key in zip(found["method"], found["ours"], strict=True)])
    return found.sort_index(kind="stable").reset_index(drop=True)


def beside_datasets(results: pd.DataFrame, sets: Mapping[str, str]) -> pd.DataFrame:
    """Table 9 beside ours: each method and data set by itself, means over seeds and a family's files.

    Returns
    -------
    DataFrame
        `dataset`, `method`, the paper's names; `ours`; `metric`; `paper`; `mean`, ours; `difference`; `n_splits`, of
        which `mean` is; `doubtful`, whether the paper contradicts itself there. Only what both have.
    """
    part = results[(results["train_size"] == PER_DATASET_TRAIN_SIZE) & results["auc_roc"].notna()]
    own = part.assign(dataset=part["dataset"].map(sets)).groupby(["dataset", "method"])
    cells = own[list(METRICS.values())].mean().assign(n_splits=own.size())
    both = _with_ours(per_dataset()).merge(
        cells, left_on=["dataset", "ours"], right_index=True, suffixes=("", "_of_ours")
    )
    doubtful = doubts(9)
    tables = []
    for theirs, mine in METRICS.items():
        mean = both[f"{mine}_of_ours" if theirs == mine else mine]
        table = both[["dataset", "method", "ours", "n_splits"]].assign(
            metric=theirs, paper=both[theirs], mean=mean, difference=mean - both[theirs]
        )
        of_set = doubtful.loc[doubtful["dataset"].notna(), "dataset"]
        of_method = doubtful.loc[doubtful["dataset"].isna(), "method"] if theirs == "f1_anomaly" else []
        tables.append(table.assign(doubtful=table["dataset"].isin(of_set) | table["method"].isin(of_method)))
    return pd.concat(tables, ignore_index=True)


def _one_size(lines: pd.DataFrame, compared: Compared, sets: Mapping[str, str]) -> pd.DataFrame:
    """A table's lines of one train size beside the means of common splits."""
    common = compared.results.assign(dataset=compared.results["dataset"].map(sets))
    mean = common.groupby(["method", "dataset"])["auc_roc"].mean().groupby("method").mean()
    tif = common.groupby("method")["predict_seconds"].sum()
    size, has = lines["train_size"].iloc[0], lines["ours"].isin(mean.index).astype(int)
    paper_tif = lines.loc[lines["ours"] == WHOLE, "tif"].min()
    return pd.DataFrame(
        {
            "method": lines["method"],
            "ours": lines["ours"],
            "train_size": size,
            "paper": lines["auc_roc"],
            "paper_same": lines["ours"].map(_printed_over(common["dataset"], size)),
            "mean": lines["ours"].map(mean),
            "difference": lines["ours"].map(mean) - lines["auc_roc"],
            "n_datasets": common["dataset"].nunique() * has,
            "n_splits": compared.n_common * has,
            "paper_tif": lines["tif"] / paper_tif,
            "tif": lines["ours"].map(tif / tif.get(WHOLE, float("nan"))),
        }
    )


def _printed_over(datasets: pd.Series, train_size: float) -> pd.Series:
    """Mean of table 9 over some data sets, by our method; nothing at train sizes that it has not."""
    printed = _with_ours(per_dataset())
    return (
        printed[printed["dataset"].isin(datasets) & (train_size == PER_DATASET_TRAIN_SIZE)]
        .groupby("ours")["auc_roc"]
        .mean()
    )


def _with_ours(printed: pd.DataFrame) -> pd.DataFrame:
    """Add the methods of this project that stand for those of table 9, which are table 1's."""
    return printed.merge(means(1)[["method", "ours"]].drop_duplicates(), on="method")
