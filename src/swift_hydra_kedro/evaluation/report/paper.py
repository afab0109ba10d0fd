"""The part of the report's page that holds results beside the paper's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

import pandas as pd

from swift_hydra_kedro.evaluation.beyond import QUANTILE, by_oversampler
from swift_hydra_kedro.evaluation.comparison import Compared, by_dataset, compare
from swift_hydra_kedro.evaluation.names import display_name, oversampler_name
from swift_hydra_kedro.evaluation.paper.beside import beside_datasets, beside_means
from swift_hydra_kedro.evaluation.paper.printed import N_DATASETS, TABLES
from swift_hydra_kedro.evaluation.report.html import Column, html_table
from swift_hydra_kedro.evaluation.report.tables import MARK, doubt_notes, marked


def paper_sections(
    results: pd.DataFrame, sets: Mapping[str, str], coverage: float, drawings: Iterator[str]
) -> Iterator[str]:
    """The paper's tables beside ours, its doubts, and its figures."""
    yield (
        "<h2>The paper's tables</h2><p>Swift Hydra, ICLR 2025. Its means are over 57 data sets, ours over those that "
        "the column “sets compared” counts; where table 9 has the figures, “paper, our sets” is its mean over the "
        "same sets as ours. Total inference times (TIF) are from different machines, so they are given as multiples of "
        f"Swift Hydra's. Where the paper contradicts itself, {MARK} says how.</p>"
    )
    for table in TABLES:
        yield _beside_means(table, beside_means(results, table, sets, coverage))
    yield _beside_datasets(beside_datasets(results, sets))
    figure_5, figure_7, *figures_3 = drawings
    yield (
        "<h2>The paper's figures</h2><p>Figures 3, 5 and 7 are printed without numbers; figure 7's caption, a copy of "
        "figure 5's, is not what it shows.</p>"
        f"<section>{''.join(figures_3)}{_beyond(results, coverage)}</section>"
        f"<section>{figure_5}</section><section>{figure_7}</section>"
    )


def _beyond(results: pd.DataFrame, coverage: float) -> str:
    """What `share_beyond` is, and its means over data sets."""
    return (
        "<p>By figure 3 the paper says that usual over-samplers generate anomalies within the boundary of the training "
        "anomalies alone, and Swift Hydra some beyond it. Here a row is beyond if it is farther from the nearest "
        f"training anomaly than {QUANTILE:.0%} of these are from the nearest other one: of new anomalies drawn like "
        f"those of training it would be about {1 - QUANTILE:.0%}. Whether a row there is an anomaly it does not say: "
        "many normal rows are beyond, too. Distances are Euclidean, of all scaled features, and not those of the "
        f"picture.</p>{_beyond_means(compare(by_oversampler(results), coverage, 'generated_beyond'))}"
    )


def _beyond_means(compared: Compared) -> str:
    if compared.results.empty:
        return ""
    generated, test = (by_dataset(compared.results, f"{rows}_beyond").mean() for rows in ("generated", "test"))
    rows = [[oversampler_name(str(name)), 100 * share] for name, share in generated.sort_values().items()]
    left_out = ", ".join(map(oversampler_name, compared.methods.index[~compared.methods["compared"]]))
    caption = (
        f"Means over {compared.n_datasets} data sets, {compared.n_common} splits; of the test anomalies "
        f"{test.mean():.1%} are beyond." + f" Not compared, for too few data sets: {left_out}." * bool(left_out)
    )
    return html_table([Column("Over-sampler"), Column("generated anomalies beyond [%]", 1, True)], rows, caption)


def _beside_means(table: int, beside: pd.DataFrame) -> str:
    columns = [
        Column("Paper's method"),
        Column("Ours"),
        Column("In training", 2, True),
        Column(f"paper, {N_DATASETS} sets", 3, True),
        Column("paper, our sets", 4, True),
        Column("here", 4, True),
        Column("difference", 4, True),
        Column("sets compared", 0, True),
        Column("paper's TIF", 2),
        Column("TIF", 2),
    ]
    values = ["train_size", "paper", "paper_same", "mean", "difference", "n_datasets", "paper_tif", "tif"]
    rows = [
        [marked(table, row["method"]), display_name(row["ours"]), *(row[name] for name in values)]
        for row in beside.to_dict("records")
    ]
    shown = html_table(columns, rows, "Mean AUC-ROC")
    return f"<section><h3>Table {table}: {TABLES[table]}</h3>{shown}{_notes(table)}</section>"


def _beside_datasets(beside: pd.DataFrame) -> str:
    names = {"auc_roc": "AUC-ROC", "precision_anomaly": "precision", "recall_anomaly": "recall", "f1_anomaly": "F1"}
    columns = [
        Column("Data set"),
        Column("Paper's method"),
        Column("Ours"),
        Column("Metric"),
        Column("paper", 3, True),
        Column("here", 4, True),
        Column("difference", 4, True),
        Column("splits", 0, True),
    ]
    shown = beside[beside["metric"].isin(names)]
    rows = [
        [
            row["dataset"] + MARK * row["doubtful"],
            row["method"],
            display_name(row["ours"]),
            names[row["metric"]],
            *(row[name] for name in ("paper", "mean", "difference", "n_splits")),
        ]
        for row in shown.to_dict("records")
    ]
    means = shown[shown["metric"] == "auc_roc"].groupby(["method", "ours"], sort=False)[["paper", "mean"]]
    summary = "; ".join(
        f"{method} {part['paper'].mean():.3f}, {display_name(str(ours))} {part['mean'].mean():.4f} ({len(part)} sets)"
        for (method, ours), part in means
    )
    caption = f"40% of the rows in training; precision, recall and F1 are of the anomalies. Mean AUC-ROC: {summary}."
    return f"<section><h3>Table 9: each data set</h3>{html_table(columns, rows, caption)}{_notes(9)}</section>"


def _notes(table: int) -> str:
    return "".join(f'<p class="note">{escape(note)}</p>' for note in doubt_notes(table))
