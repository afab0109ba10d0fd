"""How training went: the loop's episodes (figures 4 and 8) and every stage's loss."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from swift_hydra_kedro.evaluation.figures.theme import LEGEND_BELOW, compact, evenly, say, styled

MAX_POINTS = 500
_MAX_COLUMNS = 3
_AUC_COLOUR, _REWARD_COLOUR = "#0072B2", "#D55E00"
_REWARD_TERMS = {
    "mean_reward": ("mean reward", {"color": _REWARD_COLOUR, "width": 3}),
    "entropy_term": ("its entropy term", {"color": "#E69F00", "width": 2, "dash": "dash"}),
    "evasion_term": ("its evasion term", {"color": "#CC79A7", "width": 2, "dash": "dot"}),
}
_LOSSES = {
    "loss": ("training rows", {"color": "#0072B2", "width": 1.5}),
    "held_out_loss": ("rows held out", {"color": "#D55E00", "width": 2.5}),
}


def reward_and_auc(history: pd.DataFrame) -> go.Figure:
    """Reward and the detector's AUC-ROC by episode (figure 4), on two y axes.

    Parameters
    ----------
    history : one row per episode with `episode`, `mean_reward`, `entropy_term`, `evasion_term` and
        `detector_auc_roc`, which is NaN where no rows were held out
    """
    figure = make_subplots(specs=[[{"secondary_y": True}]])
    known_auc = bool(history["detector_auc_roc"].notna().any())
    subtitle = "AUC-ROC (left) on rows held out" if known_auc else "No rows were held out, so the AUC-ROC is not known"
    styled(figure, "What the generator is rewarded for, and how well the detector ranks", subtitle, x="episode")
    if history.empty:
        return say(figure, "No episodes were run").update_layout(title_subtitle_text="")
    if known_auc:
        line = {"color": _AUC_COLOUR, "width": 3}
        _add_episodes(figure, history, "detector_auc_roc", "AUC-ROC of the single detector", line)
    for column, (name, line) in _REWARD_TERMS.items():
        _add_episodes(figure, history, column, name, line, secondary_y=True)
    figure.update_yaxes(title_text="AUC-ROC", color=_AUC_COLOUR, visible=known_auc, secondary_y=False)
    figure.update_yaxes(title_text="reward (nats)", color=_REWARD_COLOUR, secondary_y=True)
    figure.update_yaxes(tickmode="auto", showgrid=not known_auc, secondary_y=True)
    return _over_episodes(figure, history)


def invalid_share(history: pd.DataFrame) -> go.Figure:
    """Percentage of the policy's actions outside the supported range, by episode (figure 8).

    Parameters
    ----------
    history : one row per episode with `episode` and `invalid_share`, in [0, 1]
    """
    figure = styled(
        go.Figure(),
        "How often the policy leaves the supported latent range",
        "Invalid actions are cut short or replaced by one step to a feasible action, which the policy learns",
        x="episode",
        y="invalid actions [%]",
    )
    if history.empty:
        return say(figure, "No episodes were run")
    percent = history.assign(invalid_share=100 * history["invalid_share"])
    _add_episodes(figure, percent, "invalid_share", "invalid actions [%]", {"color": _REWARD_COLOUR, "width": 3})
    figure.update_yaxes(range=[-2, 102])
    return _over_episodes(figure, history).update_layout(showlegend=False)


def learning_curves(histories: Mapping[str, pd.DataFrame]) -> go.Figure:
    """Loss by gradient step of every training stage, one panel each.

    Parameters
    ----------
    histories : by the panel's title, one row per recorded step with `step`, `loss` and, where rows
        were held out, `held_out_loss` (NaN throughout is none); other columns are not drawn
    """
    if not histories:
        return say(styled(go.Figure(), "How the losses fell", ""), "No training stages")
    columns = min(_MAX_COLUMNS, len(histories))
    rows = -(-len(histories) // columns)
    figure = make_subplots(rows, columns, subplot_titles=list(histories), vertical_spacing=0.3 / rows)
    styled(figure, "How the losses fell", "Per gradient step; every stage has its own loss", x="step", y="loss")
    for i, history in enumerate(histories.values()):
        _add_losses(figure, history, row=i // columns + 1, column=i % columns + 1)
    names = set()
    for trace in figure.data:  # one legend entry per kind of loss
        trace.showlegend = trace.name not in names
        names.add(trace.name)
    return figure.update_layout(legend=LEGEND_BELOW, height=200 + 320 * rows, margin_t=125)  # panels have titles


def _add_losses(figure: go.Figure, history: pd.DataFrame, row: int, column: int) -> None:
    drawn = history.iloc[evenly(len(history), MAX_POINTS)]
    for kind, (name, line) in _LOSSES.items():
        if kind in drawn and drawn[kind].notna().any():
            trace = go.Scatter(
                x=drawn["step"].tolist(),
                y=compact(drawn[kind]),
                name=name,
                legendgroup=name,
                line=line,
                mode="lines" if len(drawn) > 1 else "markers",
                hovertemplate="step %{x}: %{y:.4g}",
            )
            figure.add_trace(trace, row=row, col=column)


def _add_episodes(
    figure: go.Figure,
    history: pd.DataFrame,
    column: str,
    name: str,
    line: dict[str, object],
    secondary_y: bool | None = None,
) -> None:
    trace = go.Scatter(
        x=history["episode"].tolist(),
        y=compact(history[column]),
        name=name,
        line=line,
        mode="lines+markers",
        marker={"size": 7},
        hovertemplate="%{y:.3f}",
    )
    figure.add_trace(trace, secondary_y=secondary_y)


def _over_episodes(figure: go.Figure, history: pd.DataFrame) -> go.Figure:
    """Whole episodes on the x axis, one hover box for all lines, the legend above."""
    first, last = int(history["episode"].min()), int(history["episode"].max())
    figure.update_xaxes(range=[first - 0.5, last + 0.5], tickformat="d", **({"dtick": 1} if last - first < 20 else {}))
    return figure.update_layout(hovermode="x unified", legend=LEGEND_BELOW)
