"""What the mixture decides: its experts' loads, and its regions on a plane (figure 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from swift_hydra_kedro.evaluation.figures.theme import (
    LEGEND_BELOW,
    REFERENCE_LINE,
    ROLES,
    compact,
    evenly,
    points_of,
    say,
    styled,
)

MAX_POINTS = 1500
_PARTS = {"train_share": ("training rows", "#5B6675"), "test_share": ("test rows", "#56B4E9")}
_NORMAL_REGION, _ANOMALOUS_REGION = ("#BDD0E6", "#E9F0F7"), ("#FDF0E6", "#F6C9AC")  # from probability 0 up to 1


def rows_per_expert(load: pd.DataFrame) -> go.Figure:
    """Share of the rows that each expert gets: dead experts and winners that take all.

    Parameters
    ----------
    load : one row per expert with `expert`, `cluster` (its own), `train_share`, `test_share`; each
        share is of the rows times experts per row, so that a column sums to 1
    """
    figure = styled(
        go.Figure(),
        "How the gate spreads the rows over the experts",
        "",
        x="expert",
        y="share of the rows it is chosen for",
    )
    if load.empty:
        return say(figure, "No experts")
    for column, (part, colour) in _PARTS.items():
        figure.add_bar(
            x=load["expert"].astype(str).tolist(),
            y=compact(load[column]),
            customdata=load["cluster"].tolist(),
            name=part,
            marker_color=colour,
            hovertemplate=f"expert %{{x}}, from cluster %{{customdata}}<br>%{{y:.1%}} of the {part}",
        )
    even = 1 / len(load)
    figure.add_hline(y=even, line=REFERENCE_LINE)
    dead = int((load["train_share"] == 0).sum())
    subtitle = f"{dead} of {len(load)} experts get no training row; dashed: the even share, {even:.1%}"
    figure.update_xaxes(type="category").update_yaxes(tickformat=".0%", rangemode="tozero")
    return figure.update_layout(title_subtitle_text=subtitle, bargap=0.25, legend=LEGEND_BELOW, showlegend=True)


def decision_regions(
    x_axis: NDArray[np.floating[Any]],
    y_axis: NDArray[np.floating[Any]],
    probability: NDArray[np.floating[Any]],
    points: Mapping[str, NDArray[np.floating[Any]]],
    threshold: float,
    feature_names: Sequence[str],
) -> go.Figure:
    """Regions of a plane that a detector calls normal and anomalous (figure 6).

    Blue is normal, orange anomalous, and the threshold between them is drawn as a line.

    Parameters
    ----------
    x_axis, y_axis : grid of the plane, `(a,)` and `(b,)`
    probability : probability of an anomaly on the grid, `(b, a)`
    points : rows `(n, 2)` to draw on top, by role: `normal`, `real_anomalies`, `test_anomalies`,
        `generated`; evenly thinned to 1500 per role
    threshold : decision threshold, in [0, 1]
    feature_names : names of its two axes

    Raises
    ------
    ValueError
        If a role is unknown or the probabilities do not fit the grid.
    """
    if unknown := set(points) - set(ROLES):
        raise ValueError(f"unknown roles {sorted(unknown)}; known are {list(ROLES)}")
    if probability.shape != (len(y_axis), len(x_axis)):
        raise ValueError(f"probability has shape {probability.shape}, the grid {(len(y_axis), len(x_axis))}")
    figure = styled(
        go.Figure(),
        "What the detector calls normal and what anomalous",
        f"Blue: normal; orange: anomalous, with a probability of at least {threshold:g}",
        x=feature_names[0],
        y=feature_names[1],
    )
    _add_regions(figure, x_axis, y_axis, probability, threshold)
    for name in (role for role in ROLES if role in points):
        drawn = points[name][evenly(len(points[name]), MAX_POINTS)]
        figure.add_scatter(**points_of(name, drawn))
    figure.update_xaxes(range=compact([x_axis.min(), x_axis.max()]))
    figure.update_yaxes(range=compact([y_axis.min(), y_axis.max()]))
    return figure.update_layout(legend=LEGEND_BELOW, showlegend=True)


def _add_regions(
    figure: go.Figure,
    x_axis: NDArray[np.floating[Any]],
    y_axis: NDArray[np.floating[Any]],
    probability: NDArray[np.floating[Any]],
    threshold: float,
) -> None:
    grid = {"x": compact(x_axis), "y": compact(y_axis), "z": np.round(probability, 3).tolist()}
    figure.add_heatmap(
        **grid,
        zmin=0,
        zmax=1,
        zsmooth="best",
        colorscale=list(zip((0, threshold, threshold, 1), _NORMAL_REGION + _ANOMALOUS_REGION, strict=True)),
        colorbar={"title": {"text": "probability<br>of anomaly"}, "thickness": 16, "len": 0.8},
        hovertemplate="(%{x:.2f}, %{y:.2f})<br>probability %{z:.2f}<extra></extra>",
    )
    figure.add_contour(
        **grid,
        contours={"start": threshold, "end": threshold, "size": 1, "coloring": "none"},
        line={"color": "#22262E", "width": 2},
        showscale=False,
        hoverinfo="skip",
        showlegend=False,
    )
