"""CBLOF (He et al., Pattern Recognition Letters 2003): the distance to the nearest centre of a large cluster, by pyod.

A row of a large cluster is nearest to its own centre, so that this is pyod's score. Three things fail or mislead there:
fewer rows than clusters; clusters of much the same size, between which it finds no boundary of large and small; and
clusters that k-means left empty, where a row scores 0 however far away it is. Here there are at most as many clusters
as rows; without a boundary all clusters are large, as the paper's condition that the large ones hold most rows allows,
and the log says so; and only the centres of large clusters are scored against.
"""

from __future__ import annotations

import logging
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from pyod.models.cblof import CBLOF
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.utils.validation import check_is_fitted, validate_data

logger = logging.getLogger(__name__)


class CBLOFDetector(BaseEstimator):
    """pyod's CBLOF, unweighted, for any table. Labels are ignored.

    Attributes
    ----------
    large_centers_ : (L, P) centres of the large clusters
    """

    def __init__(self, *, n_clusters: int = 8, random_state: int | np.random.RandomState | None = None) -> None:
        self.n_clusters = n_clusters
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Cluster the rows `X (N, P)`, and part large clusters from small ones."""
        x = validate_data(self, X, dtype=np.float64)
        k_means = KMeans(min(self.n_clusters, len(x)), random_state=self.random_state)
        detector = CBLOF(n_clusters=k_means.n_clusters, clustering_estimator=k_means)
        large = np.arange(k_means.n_clusters)
        try:
            with np.errstate(divide="ignore", invalid="ignore"):  # a ratio of sizes, where a cluster is empty
                large = detector.fit(x).large_cluster_labels_
        except ValueError:  # the rows are checked: what is left is that no boundary was found
            logger.warning("CBLOF finds no boundary between large and small clusters: all of them count as large")
        self.large_centers_ = k_means.cluster_centers_[large]
        return self

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Distance to the nearest centre of a large cluster, `(N,)`."""
        check_is_fitted(self)
        return cdist(validate_data(self, X, dtype=np.float64, reset=False), self.large_centers_).min(axis=1)
