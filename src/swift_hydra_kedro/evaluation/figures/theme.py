"""What all figures share: the template, the colours of roles and methods, and small helpers.

Colours are Okabe and Ito's, which colour-blind readers tell apart; roles differ in symbol as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from swift_hydra_kedro.evaluation.names import is_own


class Role(NamedTuple):
    """How the rows of one kind are drawn, in every figure."""

    label: str
    colour: str
    symbol: str
    size: int
    opacity: float

    def marker(self, **changes: Any) -> dict[str, Any]:
        """Make the role's plotly marker."""
        look = {"color": self.colour, "symbol": self.symbol, "size": self.size, "opacity": self.opacity}
        return look | {"line": {"width": 1, "color": "white"}} | changes


ROLES = {
    "normal": Role("normal rows", "#5B6675", "circle", 7, 0.5),
    "real_anomalies": Role("training anomalies", "#D55E00", "circle", 8, 0.9),
    "test_anomalies": Role("test anomalies", "#E69F00", "diamond", 8, 0.9),
    "generated": Role("generated anomalies", "#0072B2", "square", 8, 0.9),
}
PALE_GENERATED = "#9CC9E8"
REFERENCE_LINE = {"color": "#8A8F98", "width": 1.5, "dash": "dash"}
LEGEND_BELOW = {"orientation": "h", "x": 0.5, "xanchor": "center", "y": 0.01, "yanchor": "bottom", "yref": "container"}

_INK, _GRID = "#22262E", "#E6E9EE"
_OWN_COLOURS = {
    "swift_hydra": "#0072B2",
    "swift_hydra_mome": "#0072B2",
    "swift_hydra_single": "#56B4E9",
    "swift_hydra_no_synthesis": "#CC79A7",
}
_BASELINE_COLOURS = ("#D55E00", "#009E73", "#E69F00", "#5B6675", "#8C564B", "#7A68A6")
_DASHES = ("solid", "dash", "dot")

_AXIS = {
    "gridcolor": _GRID,
    "linecolor": _INK,
    "showline": True,
    "ticks": "outside",
    "tickcolor": _INK,
    "zeroline": False,
    "automargin": True,
    "title": {"font": {"size": 15}, "standoff": 12},
}
TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": "Inter, Helvetica, Arial, sans-serif", "size": 14, "color": _INK},
        "title": {"x": 0.01, "xanchor": "left", "font": {"size": 20}, "subtitle": {"font": {"size": 14}}},
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "legend": {"font": {"size": 13}, "itemsizing": "constant"},
        "hoverlabel": {"bgcolor": "white", "font": {"size": 13, "color": _INK}, "align": "left"},
        "margin": {"l": 80, "r": 40, "t": 100, "b": 100},
    }
)


def styled(figure: go.Figure, title: str, subtitle: str, x: str | None = None, y: str | None = None) -> go.Figure:
    """Give a figure the theme, its titles and its axis titles."""
    figure.update_layout(template=TEMPLATE, title={"text": title, "subtitle": {"text": subtitle}})
    if x is not None:
        figure.update_xaxes(title_text=x)
    if y is not None:
        figure.update_yaxes(title_text=y)
    return figure


def say(figure: go.Figure, text: str) -> go.Figure:
    """Write in the middle of a figure why there is nothing else to see."""
    figure.update_xaxes(showgrid=False, showticklabels=False, ticks="")
    figure.update_yaxes(showgrid=False, showticklabels=False, ticks="")
    return figure.add_annotation(
        text=text, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, font={"size": 16, "color": _INK}
    )


def method_lines(methods: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Line style of each method: Swift Hydra's own thick in fixed colours, baselines thin, in their order."""
    baselines = [method for method in methods if method not in _OWN_COLOURS]
    lines = {method: {"color": colour, "width": 4} for method, colour in _OWN_COLOURS.items()}
    for i, method in enumerate(baselines):
        turn, colour = divmod(i, len(_BASELINE_COLOURS))
        dash = _DASHES[turn % len(_DASHES)]
        lines[method] = {"color": _BASELINE_COLOURS[colour], "width": 4 if is_own(method) else 2, "dash": dash}
    return lines


def compact(values: Iterable[float]) -> list[float]:
    """Five significant digits: more cannot be seen, and they would double the figure's JSON."""
    return [float(f"{value:.5g}") for value in values]


def points_of(role: str, points: NDArray[np.floating[Any]], label: str | None = None, **marker: Any) -> dict[str, Any]:
    """What `add_scatter` takes to draw `points (n, 2)` in a role's look but for changes to its `marker`."""
    return {
        "x": compact(points[:, 0]),
        "y": compact(points[:, 1]),
        "mode": "markers",
        "name": label or ROLES[role].label,
        "marker": ROLES[role].marker(**marker),
        "hovertemplate": "(%{x:.2f}, %{y:.2f})",
    }


def evenly(n: int, limit: int) -> NDArray[np.int_]:
    """At most `limit` of the indices below `n`, evenly spaced, first and last among them."""
    return np.unique(np.linspace(0, n - 1, min(n, limit)).astype(int)) if n else np.empty(0, dtype=int)
