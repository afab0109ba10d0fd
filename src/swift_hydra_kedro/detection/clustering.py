"""Regions of the data: k-means with the elbow method on the balanced rows (section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances_argmin
from threadpoolctl import threadpool_limits

MAX_ROWS = 10_000


@dataclass(frozen=True)
class Clusters:
    """`centres (U, P)` of the chosen clustering and the `inertia` of each number of clusters tried."""

    centres: np.ndarray
    inertia: tuple[float, ...]

    def assign(self, x: np.ndarray) -> np.ndarray:
        """Nearest centre of each row, `(N, P)` -> `(N,)`."""
        return pairwise_distances_argmin(x, self.centres)


def find_clusters(x: np.ndarray, max_clusters: int, rng: np.random.Generator) -> Clusters:
    """Cluster `x (N, P)` for U = 1..max_clusters and keep the elbow of the inertia.

    One cluster is kept where the curve has no elbow. More than `MAX_ROWS` rows are sampled.
    """
    if len(x) > MAX_ROWS:
        x = x[np.sort(rng.choice(len(x), MAX_ROWS, replace=False))]
    most = min(max_clusters, len(np.unique(x, axis=0)))
    seed = int(rng.integers(2**31))
    # on one thread: sums over several have no fixed order, and steps are too short to wait for another one
    with threadpool_limits(1):
        fits = [KMeans(u, n_init=3, random_state=seed).fit(x) for u in range(1, most + 1)]
    inertia = tuple(float(fit.inertia_) for fit in fits)
    return Clusters(fits[_elbow(inertia) - 1].cluster_centers_, inertia)


def _elbow(inertia: tuple[float, ...]) -> int:
    """Number of clusters, from 1, at which the curve bends; 1 where it does not."""
    if len(inertia) < 3:
        return 1
    from kneed import KneeLocator  # here, as it imports matplotlib, which takes half a second

    found = KneeLocator(range(1, len(inertia) + 1), inertia, curve="convex", direction="decreasing").knee
    return int(found or 1)
