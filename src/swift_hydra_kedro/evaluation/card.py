"""A model card (Mitchell et al., 2019): what a model was trained on, how good it is, and what it is not for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import pandas as pd

from swift_hydra_kedro.evaluation.leaderboard import leaderboard
from swift_hydra_kedro.evaluation.names import display_name

OURS = "swift_hydra_mome"
MOST_COLUMNS = 50
FEW_ANOMALIES = 50
_MEASURES = {
    "auc_roc": "AUC-ROC",
    "auc_roc_unseen": "of rows not in training",
    "auc_pr": "AUC-PR",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
}


def render_card(
    name: str,
    run: Mapping[str, Any],
    table: Mapping[str, Any],
    metrics: Mapping[str, Any],
    decision: Mapping[str, Any],
    columns: Mapping[Any, str],
) -> str:
    """Write the card, in Markdown.

    Parameters
    ----------
    name : of the model, as scores have it
    run : fields of `RunConfig`
    table : the table's `summary.json`
    metrics : the run's `metrics.json`
    decision : the run's `decision.json`
    columns : that the model takes, and what each holds
    """
    n_anomalies = round(metrics["data"]["n_train"] * metrics["data"]["anomaly_share"])
    sections = {
        "Data": _data(run, table, metrics["data"], n_anomalies),
        "Results on the test rows": _table(["method", *_MEASURES.values()], _results(metrics)),
        "Threshold": _threshold(decision, metrics[OURS]),
        "Columns": _columns(columns),
        "Limits": "\n".join(f"- {limit}" for limit in _limits(metrics["data"], n_anomalies)),
    }
    head = (
        f"# Swift Hydra on {_plain(run['dataset'])}\n\nModel `{name}`: the probability that a row is an anomaly, by a "
        "mixture of Mamba experts, trained on labelled rows and on synthetic anomalies (Do et al., ICLR 2025).\n"
    )
    return head + "".join(f"\n## {title}\n\n{text}\n" for title, text in sections.items())


def _data(run: Mapping[str, Any], table: Mapping[str, Any], data: Mapping[str, Any], n_anomalies: int) -> str:
    facts = {
        "table": run["dataset"],
        "rows": f"{table['n_rows']}, of which {table['n_anomalies']} anomalies ({table['anomaly_share']:.2%})",
        "columns": table["n_features"],
        "missing values": table["missing_values"],
        "split": f"{_how_split(data)}, train share {run['train_size']}, seed {run['seed']}",
        "training rows": f"{data['n_train']}, of which {n_anomalies} anomalies",
        "test rows": f"{data['n_test']}, of which {data['duplicate_test_share']:.1%} also occur in training",
    }
    if run["warm_start"]:
        model = _plain(run["warm_start"])
        facts["training"] = f"went on from {model}; rows that it had learnt from stayed in training"
    return _table(["", ""], facts.items())


def _how_split(data: Mapping[str, Any]) -> str:
    if "tested_from" not in data:
        return "stratified"
    later = f", but {n} that the model knew" if (n := data["n_later_in_training"]) else ""
    return f"in time, rows from {_plain(data['tested_from'])} on test{later}"


def _results(metrics: Mapping[str, Any]) -> Iterable[list[str]]:
    for row in leaderboard(metrics).to_dict("records"):
        yield [display_name(row["method"]), *("-" if pd.isna(row[key]) else f"{row[key]:.3f}" for key in _MEASURES)]


def _threshold(decision: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    expected = {key: "?" if value is None else f"{value:.3g}" for key, value in decision["expected"].items()}
    got = ours["per_class"]["1"]
    return (
        f"A row is called an anomaly from a probability of {decision['threshold']:.4g} on, {_why(decision)} "
        f"On {decision['n_rows']} training rows that no network had drawn, "
        f"{decision['n_anomalies']} of them anomalies, this gives {expected['alerts_per_1000']} alerts per 1,000 rows, "
        f"a precision of {expected['precision']} and a recall of {expected['recall']}; on the test rows a precision of "
        f"{got['precision']:.3g} and a recall of {got['recall']:.3g}."
    )


def _why(decision: Mapping[str, Any]) -> str:
    if decision["reached"]:
        return f"chosen by {decision['rule']}."
    if decision["n_rows"] and decision["n_anomalies"]:
        return f"the best that there is by {decision['rule']}: what was asked for could not be reached."
    return f"as configured: no training rows could tell where to cut by {decision['rule']}."


def _columns(columns: Mapping[Any, str]) -> str:
    further = len(columns) - MOST_COLUMNS
    shown = _table(["column", "kind"], islice(columns.items(), MOST_COLUMNS))
    return shown + (f"\n\nand {further} more." if further > 0 else "")


def _limits(data: Mapping[str, Any], n_anomalies: int) -> Iterable[str]:
    if n_anomalies < FEW_ANOMALIES:
        yield f"It has seen {n_anomalies} anomalies: other figures may come out on other rows."
    if data["duplicate_test_share"] > 0:
        yield "Some test rows also occur in training; the second column of the results leaves them out."
    yield (
        f"Probabilities are meant for rows of which about {data['anomaly_share']:.2%} are anomalies, as in training, "
        "and for anomalies that are like those, or lie outside what was normal then."
    )
    yield (
        "A missing number counts as the median of training, an unknown category as a rare one, or as none of the known "
        "ones if there were none rare."
    )
    yield "A score is no reason to do something to a person: it says how a row compares with the rows of training."
    yield "The model's folder holds scaled rows of training and ids of anomalies: it is as confidential as they are."


def _table(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    names = list(header)
    lines = [names, ["---"] * len(names), *([_plain(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(cell: Any) -> str:
    """Text that Markdown takes for nothing else."""
    text = " ".join(str(cell).split())
    return "".join(f"\\{letter}" if letter in "|\\`*_[]<>" else letter for letter in text)
