"""Where the generated anomalies lie, episode by episode (figure 2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from swift_hydra_kedro.evaluation.figures.theme import PALE_GENERATED, ROLES, compact, say, styled

Rows = NDArray[np.floating[Any]]

MAX_REAL, MAX_GENERATED = 200, 400  # rows per real group and of the generated: t-SNE in a few seconds
MIN_TSNE_ROWS = 10
TSNE_ITERATIONS = 500


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
    rng : draws the sample and seeds the projection; equal generators give equal figures

    Raises
    ------
    ValueError
        If `episode` is not as long as `generated`.
    """
    if len(episode) != len(generated):
        raise ValueError(f"episode has {len(episode)} entries, generated {len(generated)} rows")
    chosen = _spread_over_episodes(episode, MAX_GENERATED, rng)
    groups = {
        "normal": _sample(real_normal, MAX_REAL, rng),
        "real_anomalies": _sample(real_anomalies, MAX_REAL, rng),
        "test_anomalies": _sample(test_anomalies, MAX_REAL, rng),
        "generated": generated[chosen],
    }
    rows = np.concatenate(list(groups.values()))
    points = dict(zip(groups, np.split(_project(rows, rng), _boundaries(groups)), strict=True))
    figure = _titled(rows.shape[1])
    if not len(rows):
        return say(figure, "No rows to show")
    for name in ("normal", "real_anomalies", "test_anomalies"):
        figure.add_scatter(**_xy(points[name]), **_look(name))
    _add_generated(figure, points["generated"], episode[chosen])
    return _with_fixed_ranges(figure, np.concatenate(list(points.values())))


def _spread_over_episodes(episode: NDArray[np.int_], limit: int, rng: np.random.Generator) -> NDArray[np.int_]:
    """Draw at most `limit` generated rows so that every episode keeps about as many; indices."""
    order = rng.permutation(len(episode))
    rank = pd.Series(order).groupby(episode[order]).cumcount().to_numpy()  # 0 for each episode's first, ...
    return order[np.argsort(rank, kind="stable")][:limit]


def _sample(rows: Rows, limit: int, rng: np.random.Generator) -> Rows:
    return rows if len(rows) <= limit else rows[rng.choice(len(rows), limit, replace=False)]


def _boundaries(groups: dict[str, Rows]) -> NDArray[np.int_]:
    return np.cumsum([len(rows) for rows in groups.values()])[:-1]


def _project(rows: Rows, rng: np.random.Generator) -> Rows:
    """Rows `(n, P)` in two dimensions, `(n, 2)`."""
    n, width = rows.shape
    if width == 2:
        return rows
    components = _principal_components(rows)
    if n < MIN_TSNE_ROWS or width < 2:
        return components
    tsne = TSNE(
        perplexity=min(30.0, (n - 1) / 3),
        init=1e-4 * components / max(components.std(), 1e-12),  # keeps the large-scale order of the groups
        max_iter=TSNE_ITERATIONS,
        random_state=int(rng.integers(2**31)),
    )
    with threadpool_limits(1):  # t-SNE sums over threads in no fixed order: more would change the picture
        return tsne.fit_transform(rows)


def _principal_components(rows: Rows) -> Rows:
    """First two principal components `(n, 2)`; zeros where there are fewer."""
    components = np.zeros((len(rows), 2))
    if len(rows):
        u, scale, _ = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
        found = min(2, len(scale))
        components[:, :found] = u[:, :found] * scale[:found]
    return components


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
    shown = steps[-1]["args"][0]
    looks = (_look("generated", "generated earlier", PALE_GENERATED), _look("generated", "generated in this episode"))
    for i, look in enumerate(looks):
        figure.add_scatter(x=shown["x"][i], y=shown["y"][i], **look)
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


def _look(name: str, label: str | None = None, colour: str | None = None) -> dict[str, Any]:
    role = ROLES[name]
    return {
        "mode": "markers",
        "name": label or role.label,
        "marker": role.marker(color=colour or role.colour),
        "hovertemplate": "(%{x:.2f}, %{y:.2f})",
    }


def _with_fixed_ranges(figure: go.Figure, points: Rows) -> go.Figure:
    """Fix the axes, which would else jump with the slider."""
    low, high = points.min(0), points.max(0)
    margin = 0.05 * np.maximum(high - low, 1e-6)
    ranges = [compact(pair) for pair in zip(low - margin, high + margin, strict=True)]
    return figure.update_xaxes(range=ranges[0]).update_yaxes(range=ranges[1])
