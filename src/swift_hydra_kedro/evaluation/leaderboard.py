"""A `metrics.json` as a table, as a terminal table, and as flat numbers for a tracking server."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from rich import box
from rich.table import Table
from rich.text import Text

from swift_hydra_kedro.evaluation.names import display_name, is_own

_HIGHER_IS_BETTER = {
    "auc_roc": True,
    "auc_roc_unseen": True,
    "auc_pr": True,
    "precision": True,
    "recall": True,
    "f1": True,
    "fit_seconds": False,
    "predict_seconds": False,
}
_HEADERS = {
    "auc_roc": "AUC-ROC",
    "auc_roc_unseen": "AUC-ROC unseen",
    "auc_pr": "AUC-PR",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "fit_seconds": "Fit (s)",
    "predict_seconds": "Predict (s)",
}


def leaderboard(metrics: Mapping[str, Any]) -> pd.DataFrame:
    """One row per method of a `metrics.json`, best AUC-ROC first (tables 1 and 9).

    Parameters
    ----------
    metrics : the file's content; its `data` entry is left out

    Returns
    -------
    DataFrame
        Columns `method`, `auc_roc`, `auc_roc_unseen`, `auc_pr`, `precision`, `recall`, `f1` (of the
        anomalies), `fit_seconds`, `predict_seconds`; NaN where the file has null.
    """
    rows = [{"method": method} | _row(values) for method, values in metrics.items() if method != "data"]
    table = pd.DataFrame(rows, columns=["method", *_HIGHER_IS_BETTER])
    table = table.astype(dict.fromkeys(_HIGHER_IS_BETTER, float))
    return table.sort_values("auc_roc", ascending=False, kind="stable", ignore_index=True)


def render_leaderboard(metrics: Mapping[str, Any], title: str) -> Table:
    """Terminal table of a `metrics.json`.

    The best value of each column is bold (after rounding, so equals share it) and Swift Hydra's own
    methods are cyan. Precision, recall and F1 are those of the anomalies; times are seconds.
    """
    scores = leaderboard(metrics).round(3)
    numbers = scores[list(_HIGHER_IS_BETTER)]
    best = {name: numbers[name].max() if up else numbers[name].min() for name, up in _HIGHER_IS_BETTER.items()}
    table = Table(title=Text(title, style="bold"), box=box.SIMPLE_HEAD)  # Text: brackets are no markup
    table.add_column("Method", no_wrap=True)
    for header in _HEADERS.values():
        table.add_column(header, justify="right")
    for method, values in zip(scores["method"], numbers.to_dict("records"), strict=True):
        cells = [_cell(value, bold=value == best[str(name)]) for name, value in values.items()]
        table.add_row(display_name(method), *cells, style="cyan" if is_own(method) else None)
    return table


def flat_metrics(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Numbers of a `metrics.json` by dotted key, as MLflow takes them.

    Keys read `swift_hydra_mome.auc_roc`, `swift_hydra_mome.class_1.recall`, `data.n_train`. Nulls,
    strings, booleans and numbers that are not finite are left out.
    """
    return {key.replace("per_class.", "class_"): value for key, value in _numbers(metrics)}


def _row(values: Mapping[str, Any]) -> dict[str, Any]:
    return {**values, **values["per_class"]["1"]}


def _cell(value: float, bold: bool) -> Text:
    return Text("-" if math.isnan(value) else f"{value:.3f}", style="bold" if bold else "")


def _numbers(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            yield f"{prefix}{name}", float(value)
