"""A benchmark's tables as files: a Markdown page for people, and CSV of all that it rounds or leaves out."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from swift_hydra_kedro.evaluation.comparison import by_train_size, markdown
from swift_hydra_kedro.evaluation.names import display_name
from swift_hydra_kedro.evaluation.paper.beside import beside_datasets, beside_means
from swift_hydra_kedro.evaluation.paper.printed import N_DATASETS, TABLES, doubts
from swift_hydra_kedro.evaluation.report.standing import (
    Standing,
    compared_in_words,
    failures,
    provenance,
    ranked,
)

BOARD = {"auc_roc": "AUC-ROC", "auc_pr": "AUC-PR", "rank": "mean rank", "wins": "wins", "tif": "TIF [s]"}
MARK = "†"


def benchmark_tables(
    results: pd.DataFrame, found: Mapping[float, Standing], sets: Mapping[str, str], coverage: float, alpha: float
) -> dict[str, str]:
    """Contents of the files by name, of results and their `standings`; see `beside_means` for `sets`."""
    beside = {table: beside_means(results, table, sets, coverage) for table in TABLES}
    datasets = beside_datasets(results, sets)
    frames = {
        "leaderboard.csv": _stacked({size: standing.board.reset_index() for size, standing in found.items()}),
        "tests.csv": _stacked({size: _tests(standing) for size, standing in found.items()}),
        "auc_roc.csv": _by_dataset(results),
        "learning_curves.csv": by_train_size(ranked(results), coverage).reset_index(),
        "paper_means.csv": pd.concat([frame.assign(table=table) for table, frame in beside.items()]),
        "paper_datasets.csv": datasets,
        "failures.csv": failures(results),
    }
    files = {name: frame.to_csv(index=False, float_format="%.6g") for name, frame in frames.items()}
    page = [
        "# Benchmark",
        provenance(results) + " Numbers to six digits, and failures, are in the CSV files beside this page.",
        *(_section(size, standing, alpha) for size, standing in found.items()),
        *(_paper_section(table, frame) for table, frame in beside.items()),
        _table_9(datasets),
    ]
    return {"README.md": "\n\n".join(page) + "\n", **files}


def doubt_notes(table: int) -> list[str]:
    """What is doubtful in one of the paper's tables, a sentence each."""
    return [
        f"{MARK} {', '.join(str(place) for place in (row.method, row.dataset) if pd.notna(place))}: {row.says}".replace(
            f"{MARK} : ", f"{MARK} "
        )
        for row in doubts(table).itertuples()
    ]


def marked(table: int, method: str) -> str:
    """The name of a method in one of the paper's tables, marked where its figures are doubtful."""
    return method + MARK * (method in set(doubts(table)["method"]))


def _section(size: float, standing: Standing, alpha: float) -> str:
    board = standing.board[list(BOARD)].rename(columns=BOARD)
    if standing.reference and len(standing.tests):
        board["p"] = standing.tests["p_holm"].map("{:.2g}".format)
    test = (
        f"p: Wilcoxon's signed-rank test of AUC-ROC against {display_name(standing.reference)}, corrected by Holm; "
        f"Friedman's test that all rank alike has p = {standing.friedman:.2g}. Below {alpha:g} is called a difference. "
        if standing.reference
        else ""
    )
    return "\n\n".join(
        [
            f"## {size:.0%} of the rows in training",
            compared_in_words(standing.compared),
            test + "TIF: total inference time, the sum over these splits.",
            markdown(board.rename(index=display_name)),
        ]
    )


def _paper_section(table: int, beside: pd.DataFrame) -> str:
    shown = pd.DataFrame(
        {
            "ours": [display_name(name) for name in beside["ours"]],
            "in training": [f"{size:.0%}" for size in beside["train_size"]],
            f"paper, {N_DATASETS} sets": beside["paper"],
            "paper, our sets": beside["paper_same"],
            "here": beside["mean"],
            "difference": beside["difference"],
            "sets": beside["n_datasets"],
            "paper TIF": beside["paper_tif"],
            "TIF": beside["tif"],
        }
    )
    shown.index = pd.Index([marked(table, name) for name in beside["method"]], name="paper's method")
    return "\n\n".join(
        [
            f"## Table {table}: {TABLES[table]}",
            "Mean AUC-ROC; TIF as multiples of Swift Hydra's. Sets: how many of the paper's are compared here.",
            markdown(shown),
            *doubt_notes(table),
        ]
    )


def _table_9(beside: pd.DataFrame) -> str:
    auc_roc = beside[beside["metric"] == "auc_roc"]
    parts = ["## Table 9: each data set", "AUC-ROC at 40% of the rows in training. All metrics: paper_datasets.csv."]
    for (method, ours), rows in auc_roc.groupby(["method", "ours"], sort=False):
        shown = rows[["paper", "mean", "difference", "n_splits"]].set_axis(
            [name + MARK * doubtful for name, doubtful in zip(rows["dataset"], rows["doubtful"], strict=True)]
        )
        means = rows[["paper", "mean", "difference"]].mean()
        parts += [
            f"### {method} beside {display_name(str(ours))}, {len(rows)} of {N_DATASETS} sets",
            f"Means over these sets: paper {means['paper']:.4f}, here {means['mean']:.4f}.",
            markdown(shown.rename(columns={"mean": "here", "n_splits": "splits"}).rename_axis("data set")),
        ]
    return "\n\n".join([*parts, *doubt_notes(9)])


def _by_dataset(results: pd.DataFrame) -> pd.DataFrame:
    return results.pivot_table("auc_roc", ["train_size", "dataset"], "method").reset_index()


def _tests(standing: Standing) -> pd.DataFrame:
    return standing.tests.reset_index().assign(reference=standing.reference)


def _stacked(frames: Mapping[float, pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([frame.assign(train_size=size) for size, frame in frames.items()], ignore_index=True)
