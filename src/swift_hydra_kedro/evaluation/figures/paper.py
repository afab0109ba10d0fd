"""The paper's figures 5 and 7, drawn anew from results; the paper prints both without numbers."""

from __future__ import annotations

import re

import pandas as pd
import plotly.graph_objects as go

from swift_hydra_kedro.evaluation.comparison import by_dataset, compare
from swift_hydra_kedro.evaluation.figures.theme import compact, method_lines, say, styled
from swift_hydra_kedro.evaluation.names import WHOLE, display_name, oversampler_name

TRAIN_SIZE = 0.4
FED = "swift_hydra_no_synthesis"
KL_WEIGHT = re.compile(rf"{WHOLE}_kl_(0\.\d+)$")


def oversampling(results: pd.DataFrame, coverage: float) -> go.Figure:
    """Figure 5: AUC-ROC of each over-sampler, by the detector that it feeds, and of the detector by itself."""
    figure = styled(go.Figure(), "Over-sampling (figure 5)", "")
    part = results[results["train_size"] == TRAIN_SIZE]
    part = part.assign(oversampler=part["oversampler"].mask(part["method"] == WHOLE, WHOLE))
    part = part.assign(detector=part["detector"].mask(part["method"] == WHOLE, FED))
    fed = part.loc[part["oversampler"].notna() & (part["oversampler"] != WHOLE), "detector"]
    compared = compare(part[part["detector"].isin(fed)], coverage)
    if compared.results.empty:
        return say(figure, "No over-sampler has results at a train share of 40%: the preset figure5 measures them")
    means = by_dataset(compared.results, "auc_roc").mean()
    cells = compared.results.drop_duplicates("method").set_index("method")[["detector", "oversampler"]]
    cells = cells.assign(mean=means, name=[_name(value) for value in cells["oversampler"]])
    order = cells.groupby("name")["mean"].max().sort_values().index
    lines = method_lines(cells["detector"].unique())
    for symbol, (detector, rows) in enumerate(cells.groupby("detector")):
        figure.add_scatter(
            y=list(rows["name"]),
            x=compact(rows["mean"]),
            name="mixture of experts" if detector == FED else display_name(str(detector)),
            mode="markers",
            marker={"color": lines[str(detector)]["color"], "size": 12, "symbol": symbol},
            hovertemplate="%{y}: %{x:.4f}",
        )
    figure.update_xaxes(title_text="mean AUC-ROC")
    figure.update_yaxes(title_text="", type="category", categoryorder="array", categoryarray=list(order))
    return figure.update_layout(
        title_subtitle_text=f"Mean over {compared.n_datasets} data sets, {compared.n_common} splits, 40% in training",
        legend_title_text="they feed",
        height=260 + 26 * len(order),
        showlegend=True,
    )


def kl_weight(results: pd.DataFrame, coverage: float) -> go.Figure:
    """Figure 7: AUC-ROC of Swift Hydra by the weight of the KL term in the C-VAE's loss."""
    figure = styled(
        go.Figure(), "The weight of the KL term (figure 7)", "", x="weight of the KL term", y="mean AUC-ROC"
    )
    part = results[(results["train_size"] == TRAIN_SIZE) & results["method"].str.fullmatch(KL_WEIGHT.pattern)]
    compared = compare(part, coverage)
    if compared.results.empty:
        return say(figure, "No KL weight has results at a train share of 40%: the preset kl_weight measures them")
    means = by_dataset(compared.results, "auc_roc").mean()
    means.index = pd.Index([float(KL_WEIGHT.match(name)[1]) for name in means.index])  # type: ignore[index]
    means = means.sort_index()
    figure.add_scatter(
        x=list(means.index),
        y=compact(means),
        mode="lines+markers",
        line={"color": "#0072B2", "width": 3},
        marker={"size": 9},
        hovertemplate="%{x}: %{y:.4f}<extra></extra>",
    )
    figure.update_xaxes(tickvals=list(means.index))
    return figure.update_layout(
        title_subtitle_text=f"Mean over {compared.n_datasets} data sets, {compared.n_common} splits, 40% in training; "
        "the paper finds 0.55 best"
    )


def _name(oversampler: object) -> str:
    if oversampler == WHOLE:
        return "Swift Hydra"
    return oversampler_name(oversampler) if isinstance(oversampler, str) else "none"
