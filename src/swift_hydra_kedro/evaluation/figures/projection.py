"""Where the generated anomalies lie, episode by episode (figure 2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from swift_hydra_kedro.evaluation.embedding import Rows, embed, sample
from swift_hydra_kedro.evaluation.figures.theme import PALE_GENERATED, compact, points_of, say, styled

MAX_REAL, MAX_GENERATED = 200, 400  # rows per real group and of the generated: t-SNE in a few seconds


def anomalies_by_episode(
    real_normal: Rows,
    real_anomalies: Rows,
    test_anomalies: Rows,
    generated: Rows,
    episode: NDArray[np.int_],
    rng: np.random.Generator,
) -> go.Figure:
    """Real and generated rows in two dimensions, with a slider over the episodes (figure 2).

    The chosen episode's anomalies are strong and those of earlier episodes pale; the slider starts at
    the last episode. Two features are drawn as they are, more are projected by t-SNE fitted on all
    drawn rows together (principal components below 10 rows). Large groups are sampled.

    Parameters
    ----------
    real_normal, real_anomalies : scaled training rows, `(n, P)` and `(a, P)`
    test_anomalies : scaled anomalies of the test part, `(t, P)`
    generated : generated anomalies, `(g, P)`; none is fine
    episode : episode in which each was generated, `(g,)`
    rng : draws the sample; equal generators give equal figures

    Raises
    ------
    ValueError
        If `episode` is not as long as `generated`.
    """
    if len(episode) != len(generated):
        raise ValueError(f"episode has {len(episode)} entries, generated {len(generated)} rows")
    chosen = _spread_over_episodes(episode, MAX_GENERATED, rng)
    groups = {
        "normal": sample(real_normal, MAX_REAL, rng),
        "real_anomalies": sample(real_anomalies, MAX_REAL, rng),
        "test_anomalies": sample(test_anomalies, MAX_REAL, rng),
        "generated": generated[chosen],
    }
    points = embed(groups)
    figure = _titled(real_normal.shape[1])
    if not any(map(len, points.values())):
        return say(figure, "No rows to show")
    for role in ("normal", "real_anomalies", "test_anomalies"):
        figure.add_scatter(**points_of(role, points[role]))
    _add_generated(figure, points["generated"], episode[chosen])
    return _with_fixed_ranges(figure, np.concatenate(list(points.values())))


def _spread_over_episodes(episode: NDArray[np.int_], limit: int, rng: np.random.Generator) -> NDArray[np.int_]:
    """Draw at most `limit` generated rows so that every episode keeps about as many; indices."""
    order = rng.permutation(len(episode))
    rank = pd.Series(order).groupby(episode[order]).cumcount().to_numpy()  # 0 for each episode's first, ...
    return order[np.argsort(rank, kind="stable")][:limit]


def _titled(n_features: int) -> go.Figure:
    figure = styled(go.Figure(), "Where the generated anomalies lie, episode by episode", "")
    if n_features == 2:
        subtitle = "The two scaled features; move the slider through the episodes"
        figure.update_xaxes(title_text="feature 1 (scaled)").update_yaxes(title_text="feature 2 (scaled)")
    else:
        subtitle = f"{n_features} scaled features in two dimensions; only neighbourhoods mean something, axes do not"
        figure.update_xaxes(title_text="dimension 1 (no unit)", showticklabels=False, ticks="")
        figure.update_yaxes(title_text="dimension 2 (no unit)", showticklabels=False, ticks="")
    return figure.update_layout(title_subtitle_text=subtitle, showlegend=True)


def _add_generated(figure: go.Figure, points: Rows, episode: NDArray[np.int_]) -> None:
    """Traces of the earlier and the current episode, and the slider that refills them."""
    if not len(points):
        figure.update_layout(title_subtitle_text="No anomalies were generated")
        return
    steps = [_slider_step(points, episode, current, first_trace=len(figure.data)) for current in np.unique(episode)]
    is_last = episode == episode.max()
    figure.add_scatter(**points_of("generated", points[~is_last], "generated earlier", color=PALE_GENERATED))
    figure.add_scatter(**points_of("generated", points[is_last], "generated in this episode"))
    figure.update_layout(
        sliders=[
            {
                "steps": steps,
                "active": len(steps) - 1,
                "currentvalue": {"prefix": "Episode "},
                "pad": {"t": 45},
            }
        ]
    )


def _slider_step(points: Rows, episode: NDArray[np.int_], current: int, first_trace: int) -> dict[str, Any]:
    """Step that refills two traces by `restyle`: frames would do, but Kedro-Viz does not pass them on."""
    earlier, now = _xy(points[episode < current]), _xy(points[episode == current])
    data = {axis: [earlier[axis], now[axis]] for axis in ("x", "y")}
    return {"label": str(current), "method": "restyle", "args": [data, [first_trace, first_trace + 1]]}


def _xy(points: Rows) -> dict[str, list[float]]:
    return {"x": compact(points[:, 0]), "y": compact(points[:, 1])}


def _with_fixed_ranges(figure: go.Figure, points: Rows) -> go.Figure:
    """Fix the axes, which would else jump with the slider."""
    low, high = points.min(0), points.max(0)
    margin = 0.05 * np.maximum(high - low, 1e-6)
    ranges = [compact(pair) for pair in zip(low - margin, high + margin, strict=True)]
    return figure.update_xaxes(range=ranges[0]).update_yaxes(range=ranges[1])
