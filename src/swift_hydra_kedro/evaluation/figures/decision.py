"""What a threshold gives and what it costs, on training rows that no network had drawn."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from swift_hydra_kedro.evaluation.figures.curves import thin
from swift_hydra_kedro.evaluation.figures.theme import LEGEND_BELOW, REFERENCE_LINE, compact, say, styled

MAX_POINTS = 500
_SHARES = {
    "precision": ("precision (share of alerts that are right)", "#0072B2"),
    "recall": ("recall (share of anomalies found)", "#D55E00"),
}


def trade_off_curves(curve: pd.DataFrame, threshold: float, rule: str) -> go.Figure:
    """Precision and recall (left axis) and alerts per 1,000 rows (right axis) by threshold.

    Parameters
    ----------
    curve : what `evaluation.decision.trade_off` gave
    threshold : the one in use, drawn as a line
    rule : what it was chosen by
    """
    figure = make_subplots(specs=[[{"secondary_y": True}]])
    styled(
        figure,
        "What a threshold gives and what it costs",
        f"Training rows that no network had drawn; dashed: {threshold:.3g}, chosen by {rule}",
        x="threshold (least probability of an anomaly)",
    )
    if curve["recall"].isna().any():
        return say(figure, "No curve: it takes rows of both classes that no network has drawn")
    for column, (name, colour) in _SHARES.items():
        _add(figure, curve, column, name, {"color": colour, "width": 3}, "%{y:.1%}", secondary=False)
    line = {"color": "#5B6675", "width": 2, "dash": "dot"}
    _add(figure, curve, "alerts_per_1000", "alerts per 1,000 rows", line, "%{y:.3g}", secondary=True)
    figure.add_shape(type="line", x0=threshold, x1=threshold, y0=0, y1=1, yref="paper", line=REFERENCE_LINE)
    figure.update_yaxes(title_text="precision, recall", range=[-0.01, 1.02], secondary_y=False)
    figure.update_yaxes(
        title_text="alerts per 1,000 rows", type="log", tickmode="auto", dtick=1, showgrid=False, secondary_y=True
    )
    return figure.update_layout(hovermode="x unified", legend=LEGEND_BELOW)


def _add(
    figure: go.Figure,
    curve: pd.DataFrame,
    column: str,
    name: str,
    line: dict[str, object],
    hover: str,
    secondary: bool,
) -> None:
    x, y = curve["threshold"].to_numpy(), curve[column].to_numpy()
    kept = thin(x, y / max(1.0, y.max()), MAX_POINTS)
    trace = go.Scatter(x=compact(x[kept]), y=compact(y[kept]), name=name, mode="lines", line=line, hovertemplate=hover)
    figure.add_trace(trace, secondary_y=secondary)
