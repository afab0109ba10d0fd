"""How far new rows are from those that the model knows: column by column, and in their scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from swift_hydra_kedro.evaluation.figures.theme import LEGEND_BELOW, REFERENCE_LINE, compact, say, styled

MOST_COLUMNS = 30
_COLOURS = {"none": "#5B6675", "moderate": "#E69F00", "strong": "#D55E00"}
_CURVES = {
    "below_before": ("rows not learnt from", {"color": "#5B6675", "width": 3}),
    "below_now": ("new rows", {"color": "#0072B2", "width": 3, "dash": "dot"}),
}


def drift_overview(report: Mapping[str, Any]) -> go.Figure:
    """Population stability index of the columns that have changed most (left), distribution of the scores (right).

    Parameters
    ----------
    report : what `evaluation.drift.summarise_drift` gave
    """
    figure = make_subplots(cols=2, horizontal_spacing=0.12)
    subtitle = f"Drift: {report['level']}; dashed: from where on it is called moderate and strong"
    styled(figure, "Whether new rows are like those of training", subtitle)
    if not report["columns"]:
        return say(figure, "There are no rows")
    _add_columns(figure, report["columns"], report["levels"])
    if report["score"] is not None:
        _add_scores(figure, report["score"])
    return figure.update_layout(legend=LEGEND_BELOW)


def _add_columns(figure: go.Figure, columns: Mapping[str, Mapping[str, Any]], levels: Mapping[str, float]) -> None:
    worst = dict(list(columns.items())[:MOST_COLUMNS])
    figure.add_bar(
        y=list(worst),
        x=compact(drift["psi"] for drift in worst.values()),
        customdata=[drift["level"] for drift in worst.values()],
        orientation="h",
        marker_color=[_COLOURS[drift["level"]] for drift in worst.values()],
        hovertemplate="%{y}: %{x:.3f}, drift: %{customdata}<extra></extra>",
        showlegend=False,
        row=1,
        col=1,
    )
    for level in levels.values():
        figure.add_vline(x=level, line=REFERENCE_LINE, row=1, col=1)
    figure.update_xaxes(title_text="population stability index", rangemode="tozero", col=1)
    figure.update_yaxes(type="category", autorange="reversed", col=1)


def _add_scores(figure: go.Figure, score: Mapping[str, Any]) -> None:
    for part, (name, line) in _CURVES.items():
        figure.add_scatter(
            x=compact(score["edges"]),
            y=compact(score[part]),
            name=name,
            mode="lines",
            line=line,
            hovertemplate="%{y:.1%} of the " + name + " below a score of %{x:.3g}<extra></extra>",
            row=1,
            col=2,
        )
    figure.update_xaxes(title_text="score", type="log", col=2)
    figure.update_yaxes(title_text="share of rows below", tickformat=".0%", range=[-0.01, 1.02], col=2)
