"""Rows of a table as points that a figure can show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

Rows = NDArray[np.floating[Any]]

MIN_TSNE_ROWS = 10
TSNE_ITERATIONS = 500


def sample(rows: Rows, limit: int, rng: np.random.Generator) -> Rows:
    """All rows `(n, P)`, or `limit` of them drawn at random if they are more."""
    return rows if len(rows) <= limit else rows[rng.choice(len(rows), limit, replace=False)]


def embed(groups: Mapping[str, Rows]) -> dict[str, Rows]:
    """Groups of rows `(n, P)` on one plane, `(n, 2)` each: close rows stay close, other distances mean nothing.

    Two features stay as they are, more are reduced by t-SNE of all rows together (principal components below
    `MIN_TSNE_ROWS` rows).
    """
    points = _reduced(np.concatenate(list(groups.values())))
    ends = np.cumsum([len(rows) for rows in groups.values()])
    return dict(zip(groups, np.split(points, ends[:-1]), strict=True))


def _reduced(rows: Rows) -> Rows:
    """Rows `(n, P)` in two dimensions, `(n, 2)`."""
    n, width = rows.shape
    if width == 2:
        return rows
    components = _principal_components(rows)
    if n < MIN_TSNE_ROWS or width < 2:
        return components
    tsne = TSNE(
        perplexity=min(30.0, (n - 1) / 3),
        init=1e-4 * components / max(components.std(), 1e-12),  # keeps the groups' order at large, and draws nothing
        max_iter=TSNE_ITERATIONS,
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
