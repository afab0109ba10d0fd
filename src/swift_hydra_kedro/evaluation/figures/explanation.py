"""Why rows were flagged: the contributions of columns to scores."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import pandas as pd
import plotly.graph_objects as go

from swift_hydra_kedro.evaluation.figures.theme import compact, styled

MAX_BARS = 20
LONGEST = 40
HEIGHT_OF_BAR, HEIGHT_OF_REST = 34, 200
ROOM = 0.1
_TOWARDS, _AGAINST, _PALE = "#D55E00", "#0072B2", "#5B6675"


def mean_contributions(contributions: pd.DataFrame) -> go.Figure:
    """Mean absolute contribution of each column to the scores of some rows, the largest on top.

    Parameters
    ----------
    contributions : a row for each row explained, a column for each column of the table
    """
    mean = contributions.abs().mean().nlargest(MAX_BARS)
    figure = styled(
        go.Figure(),
        "Columns that matter most to these alerts",
        f"Mean absolute contribution to the log-odds of the score; {len(mean)} of {contributions.shape[1]} columns",
        x="mean absolute contribution (log-odds)",
    )
    return _add_bars(figure, mean.tolist(), [_short(str(name)) for name in mean.index], _PALE, "{:.2f}")


def row_contributions(contributions: pd.Series, values: Sequence[str], typical: Sequence[str]) -> go.Figure:
    """What each column contributes to the score of one row, the largest on top, and all others together.

    Parameters
    ----------
    contributions : by column, in log-odds
    values : of the row, in the table's units
    typical : values of normal rows
    """
    order = contributions.abs().to_numpy().argsort(kind="stable")[::-1]
    drawn, rest = order[:MAX_BARS], order[MAX_BARS:]
    labels = [
        f"{_short(str(contributions.index[i]))} = <b>{_short(values[i])}</b>"
        f' <span style="color:{_PALE}">(normal: {_short(typical[i])})</span>'
        for i in drawn
    ]
    bars = contributions.iloc[drawn].tolist()
    if len(rest):
        labels.append(f"{len(rest)} other columns")
        bars.append(contributions.iloc[rest].sum())
    figure = styled(
        go.Figure(),
        "What speaks for an anomaly, and what against it",
        "Orange: raises the score; blue: lowers it. In brackets: what is usual in normal training rows",
        x="contribution (log-odds)",
    )
    return _add_bars(figure, bars, labels, [_TOWARDS if bar > 0 else _AGAINST for bar in bars], "{:+.2f}")


def _add_bars(
    figure: go.Figure, lengths: Sequence[float], labels: Sequence[str], colour: str | list[str], number: str
) -> go.Figure:
    """Add bars at numbers, which are then labelled: two labels may be alike, or look like dates."""
    places = list(range(len(labels)))
    figure.add_bar(
        x=compact(lengths),
        y=places,
        orientation="h",
        marker_color=colour,
        text=[number.format(length) for length in lengths],
        hoverinfo="skip",
        cliponaxis=False,
    )
    low, high = min(0, *lengths), max(0, *lengths)
    room = ROOM * (high - low)  # for the numbers beside short bars
    figure.update_xaxes(range=compact([low - room * (low < 0), high + room]))
    figure.update_yaxes(tickvals=places, ticktext=labels, autorange="reversed", showgrid=False)
    return figure.update_layout(height=HEIGHT_OF_REST + HEIGHT_OF_BAR * len(labels), bargap=0.3)


def _short(text: str) -> str:
    """Cut, and with its markup made harmless: plotly draws some HTML."""
    return escape(text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}...", quote=False)
