"""One page that says why rows were flagged, for the people who look into them."""

from __future__ import annotations

import math
from html import escape

import pandas as pd
import plotly.graph_objects as go

from swift_hydra_kedro.evaluation.figures import mean_contributions, row_contributions
from swift_hydra_kedro.evaluation.page import drawn, page_of
from swift_hydra_kedro.explanation.alerts import Alerts
from swift_hydra_kedro.explanation.explainer import ID, Explainer, Explanations, shown

_HOW_TO_READ = """
<p>A row's score is the probability that it is an anomaly. Each column <b>contributes</b> to its log-odds, compared with
normal training rows: +0.69 doubles the odds, +2.3 makes them tenfold, a negative one speaks against an anomaly.
All contributions of a row and the base value, {base:.2f}, add up to the log-odds of its score. They say what the model
looked at, which need not be the cause of anything.</p>
<p>The <b>distance</b> of a known anomaly is the root mean square difference of the columns, in standard deviations.
{typical}</p>
"""


def render_alerts(title: str, alerts: Alerts, explainer: Explainer) -> str:
    """Return a self-contained HTML page: how to read it, all alerts, and the first of them one by one."""
    if alerts.named.empty:
        return page_of(title, "<p>No row was flagged.</p>")
    typical = [shown(value) for value in explainer.typical]
    figures = [mean_contributions(alerts.explanations.contributions)]
    figures += [_figure(alerts, i, typical) for i in range(min(len(alerts.named), explainer.config.figures))]
    overview, *each = drawn(figures)
    return page_of(
        title,
        _HOW_TO_READ.format(base=alerts.explanations.base, typical=_typical(alerts.explanations.typical_distance)),
        f"<section>{overview}</section>",
        _table(alerts),
        *(f"<section>{_about(alerts, i)}{figure}</section>" for i, figure in enumerate(each)),
    )


def _typical(distance: float) -> str:
    if math.isnan(distance):
        return "Only one is known."
    return f"A known anomaly is typically {distance:.2f} from the nearest other one."


def _table(alerts: Alerts) -> str:
    explanations = alerts.explanations
    table = alerts.named.drop(columns="threshold").join(explanations.reasons)
    table["nearest known anomaly"] = [_known(explanations, i, 1) for i in range(len(table))]
    table["expert"] = explanations.experts["expert_1"]["number"]
    with pd.option_context("display.max_colwidth", None):
        return table.reset_index().to_html(
            index=False, float_format="{:.4f}".format, na_rep="", border=0, classes="text"
        )


def _figure(alerts: Alerts, i: int, typical: list[str]) -> go.Figure:
    values = [shown(value) for value in alerts.explanations.values.iloc[i]]
    return row_contributions(alerts.explanations.contributions.iloc[i], values, typical)


def _about(alerts: Alerts, i: int) -> str:
    """What there is to say of an alert beside its figure."""
    explanations, named = alerts.explanations, alerts.named.iloc[i]
    ids = _ids(named.drop(["score", "threshold"]))
    known = "; ".join(_known(explanations, i, rank + 1) for rank in range(_n_ranks(explanations.nearest)))
    experts = "; ".join(_expert(explanations, i, rank + 1) for rank in range(_n_ranks(explanations.experts)))
    return (
        f"<h2>{escape(f'Row {alerts.named.index[i]}{ids}')}</h2>"
        f"<p>Score {named['score']:.4f}, threshold {named['threshold']:.4g}.<br>"
        f"Nearest known anomalies: {escape(known)}.<br>Decided by {escape(experts)}.</p>"
    )


def _known(explanations: Explanations, i: int, rank: int) -> str:
    anomaly = explanations.nearest[f"anomaly_{rank}"].iloc[i]
    ids = anomaly.drop(["row", "distance"]).rename(lambda name: name.removeprefix(ID))
    return f"training row {anomaly['row']:.0f}{_ids(ids)} at distance {anomaly['distance']:.2f}"


def _expert(explanations: Explanations, i: int, rank: int) -> str:
    expert = explanations.experts[f"expert_{rank}"].iloc[i]
    return f"expert {expert['number']:.0f} (weight {expert['weight']:.2f}, alone it would give {expert['score']:.4f})"


def _n_ranks(ranked: pd.DataFrame) -> int:
    return ranked.columns.get_level_values(0).nunique()


def _ids(ids: pd.Series) -> str:
    return "".join(f", {name} {shown(value)}" for name, value in ids.items())
