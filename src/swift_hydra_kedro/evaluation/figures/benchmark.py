"""Many methods on many data sets: where each is good, what it costs, and which of them differ."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from swift_hydra_kedro.evaluation.comparison import ranks
from swift_hydra_kedro.evaluation.figures.theme import compact, method_lines, say, styled
from swift_hydra_kedro.evaluation.names import WHOLE, display_name, is_own
from swift_hydra_kedro.evaluation.statistics import cliques

MOST_LINES = 12  # more are in the legend alone, until they are clicked on
OWN, OTHER = "#0072B2", "#5B6675"
_SCALE = [[0, "#7B2D00"], [0.5, "#F0C9A5"], [0.8, "#F7F7F5"], [1, "#0072B2"]]
BEYOND = 0.05  # how far a bar of the critical-difference diagram reaches beyond its methods, in ranks
_ROW, _LABEL = 19, 14  # pixels


def heat_map(table: pd.DataFrame) -> go.Figure:
    """AUC-ROC of each method on each data set.

    Parameters
    ----------
    table : `(D, methods)`, means over splits; NaN where there is none, which stays white
    """
    figure = styled(
        go.Figure(),
        "AUC-ROC by data set and method",
        "Means over all splits that a method has; the best methods on the left, the hardest sets at the top; "
        "white: no result",
    )
    if table.empty:
        return say(figure, "No results")
    ordered = table.loc[table.mean(axis=1).sort_values().index, table.mean().sort_values(ascending=False).index]
    figure.add_heatmap(
        x=[display_name(method) for method in ordered],
        y=list(ordered.index),
        z=[[None if pd.isna(value) else round(value, 4) for value in row] for row in ordered.to_numpy()],
        zmin=0,
        zmax=1,
        colorscale=_SCALE,
        xgap=1,
        ygap=1,
        colorbar={"title": {"text": "AUC-ROC"}},
        hovertemplate="%{x} on %{y}: %{z:.4f}<extra></extra>",
    )
    figure.update_xaxes(tickangle=-45, showgrid=False, type="category")
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category", tickfont={"size": 11}, dtick=1)
    return figure.update_layout(height=320 + _ROW * len(ordered))


def accuracy_and_time(board: pd.DataFrame) -> go.Figure:
    """Mean AUC-ROC against total inference time, of a `leaderboard`."""
    figure = styled(
        go.Figure(),
        "Accuracy and inference time",
        "Up and to the left is better; times are sums over the same test rows; named: Swift Hydra, and methods that no "
        "other beats in both",
        x="total inference time [s]",
        y="mean AUC-ROC",
    )
    if board.empty:
        return say(figure, "No results")
    for name, own in (("Swift Hydra", True), ("others", False)):
        chosen = [is_own(method) == own for method in board.index]
        part = board[chosen]
        names = [display_name(method) for method in part.index]
        named = [method == WHOLE or not _is_beaten(board, method) for method in part.index]
        figure.add_scatter(
            x=compact(part["tif"]),
            y=compact(part["auc_roc"]),
            text=[text if shown else "" for text, shown in zip(names, named, strict=True)],
            customdata=names,
            name=name,
            mode="markers+text",
            textposition="top center",
            textfont={"size": 11},
            marker={"color": OWN if own else OTHER, "size": 11, "symbol": "diamond" if own else "circle"},
            hovertemplate="%{customdata}<br>AUC-ROC %{y:.4f}<br>%{x:.3g} s<extra></extra>",
        )
    return figure.update_xaxes(type="log").update_layout(height=620)


def critical_difference(table: pd.DataFrame, p: pd.DataFrame, alpha: float) -> go.Figure:
    """Critical-difference diagram: mean ranks on an axis, bars over methods of which no two differ.

    Parameters
    ----------
    table : AUC-ROC `(D, methods)` without gaps
    p : corrected p-values of all pairs, as `pairwise` gives them
    alpha : level of significance
    """
    figure = styled(
        go.Figure(),
        "Mean ranks, and which methods differ",
        f"By AUC-ROC over {len(table)} data sets, best on the left; a bar joins methods of which no two differ "
        f"(Wilcoxon, Holm, {alpha:g})",
    )
    if table.shape[1] < 2 or len(table) < 2:
        return say(figure, "It takes two methods and two data sets")
    rank = ranks(table).mean().sort_values(kind="stable")
    bars = cliques(table, p, alpha)
    top = _add_bars(figure, rank, bars)
    left = (len(rank) + 1) // 2
    _add_labels(figure, rank.iloc[:left], top, side=-1, edge=1 - 0.02 * len(rank))
    _add_labels(figure, rank.iloc[left:][::-1], top, side=1, edge=1.02 * len(rank))
    lowest = top - left - 1
    margin = 0.45 * len(rank)
    figure.update_xaxes(side="top", range=[1 - margin, len(rank) + margin], showgrid=False)
    figure.update_xaxes(tickvals=_ticks(len(rank)), tickangle=0)
    figure.update_yaxes(visible=False, range=[lowest, 0.2])
    return figure.update_layout(height=240 + _ROW * -int(lowest), showlegend=False, margin_t=130)


def train_size_curves(means: pd.DataFrame) -> go.Figure:
    """Learning curves: mean AUC-ROC by share of the rows in training, as `by_train_size` gives them."""
    n_datasets = means.attrs.get("n_datasets", 0)
    figure = styled(
        go.Figure(),
        "How accuracy grows with the training part",
        f"Mean over the same {n_datasets} data sets at all shares; methods after the best {MOST_LINES} are hidden "
        "until clicked on",
        x="share of the rows in training",
        y="mean AUC-ROC",
    )
    if means.empty or len(means) < 2:
        return say(figure, "It takes results at two train shares on the same data sets")
    order = means.iloc[-1].sort_values(ascending=False, kind="stable").index
    lines = method_lines(order)
    for place, method in enumerate(order):
        figure.add_scatter(
            x=list(means.index),
            y=compact(means[method]),
            name=display_name(method),
            mode="lines+markers",
            line=lines[method],
            visible=True if place < MOST_LINES or method == WHOLE else "legendonly",
            hovertemplate="%{y:.4f}",
        )
    figure.update_xaxes(tickformat=".0%", tickvals=list(means.index))
    return figure.update_layout(height=560, hovermode="x unified")


def _is_beaten(board: pd.DataFrame, method: str) -> bool:
    """Whether another method is no worse in accuracy and time, and better in one."""
    one = board.loc[method]
    no_worse = (board["auc_roc"] >= one["auc_roc"]) & (board["tif"] <= one["tif"])
    return bool((no_worse & ((board["auc_roc"] > one["auc_roc"]) | (board["tif"] < one["tif"]))).any())


def _add_bars(figure: go.Figure, rank: pd.Series, bars: list[list[str]]) -> float:
    """Bars below the axis, as few levels as they fit on; the height below the last."""
    ends: list[float] = []
    for bar in bars:
        low, high = rank[bar[0]], rank[bar[-1]]
        level = next((i for i, end in enumerate(ends) if end + 2 * BEYOND < low), len(ends))
        ends[level : level + 1] = [high]
        y = -0.6 - 0.6 * level
        figure.add_shape(
            type="line", x0=low - BEYOND, x1=high + BEYOND, y0=y, y1=y, line={"color": "#22262E", "width": 5}
        )
    return -0.6 - 0.6 * len(ends)


def _add_labels(figure: go.Figure, rank: pd.Series, top: float, side: int, edge: float) -> None:
    """Elbows from the axis to the names at one side, the outermost rank first."""
    for place, (method, value) in enumerate(rank.items(), start=1):
        y, colour = top - place, OWN if is_own(str(method)) else OTHER
        figure.add_scatter(
            x=[value, value, edge],
            y=[0, y, y],
            mode="lines",
            line={"color": colour, "width": 3 if colour == OWN else 1.5},
            hovertemplate=f"{display_name(str(method))}: {value:.2f}<extra></extra>",
        )
        figure.add_annotation(
            x=edge,
            y=y,
            text=f"{display_name(str(method))} {value:.2f}" if side < 0 else f"{value:.2f} {display_name(str(method))}",
            xanchor="right" if side < 0 else "left",
            showarrow=False,
            font={"size": _LABEL - 1, "color": colour},
        )


def _ticks(n: int) -> list[int]:
    """Whole ranks, not too many."""
    step = max(1, round(n / 10))
    return [1, *range(2 if step == 1 else step, n + 1, step)]
