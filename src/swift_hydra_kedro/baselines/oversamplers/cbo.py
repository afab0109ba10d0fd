"""CBO, or KNSMOTE (Xu et al., Information Sciences 2021): SMOTE among the anomalies that k-means finds again.

The paper's safe rows are those whose class stays the same when each cluster of the table takes its majority's class.
What is decided here: a tie is nobody's majority; the clusters are at most as many as the root of the number of rows,
and more than the two classes, since a table with few anomalies has none that is safe among two clusters; both ends of
an interpolation are safe rows of one cluster; and each safe row is as likely a start as any other.
"""

from __future__ import annotations

import logging
import math
from numbers import Integral
from typing import Any

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from sklearn.cluster import MiniBatchKMeans
from sklearn.utils._param_validation import Interval

from swift_hydra_kedro.baselines.oversamplers.base import OwnOverSampler
from swift_hydra_kedro.baselines.oversamplers.smote import interpolate

logger = logging.getLogger(__name__)


class CBO(OwnOverSampler):
    """SMOTE within clusters, among anomalies of clusters most of whose rows are anomalies.

    Where no cluster has two of them, it is SMOTE among all anomalies, and the log says so.

    Parameters
    ----------
    n_clusters : int
        Most clusters.
    """

    _parameter_constraints = BaseOverSampler._parameter_constraints | {
        "n_clusters": [Interval(Integral, 1, None, closed="left")]
    }

    def __init__(self, *, sampling_strategy: Any = "auto", n_clusters: int = 50, random_state: Any = None) -> None:
        super().__init__(sampling_strategy=sampling_strategy, random_state=random_state)
        self.n_clusters = n_clusters

    def _make(self, minority: np.ndarray, majority: np.ndarray, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        rows = np.concatenate([minority, majority])
        k_means = MiniBatchKMeans(
            min(self.n_clusters, math.isqrt(len(rows))), n_init=3, random_state=int(rng.integers(2**31))
        )
        groups = safe_groups(k_means.fit_predict(rows), len(minority))
        if not groups:
            logger.warning("no cluster has two safe rows to interpolate between: plain SMOTE takes the place of CBO's")
            return interpolate(minority, n_samples, rng)
        sizes = np.array([len(group) for group in groups])
        counts = rng.multinomial(n_samples, sizes / sizes.sum())
        return np.concatenate(
            [interpolate(minority[group], count, rng) for group, count in zip(groups, counts, strict=True)]
        )


def safe_groups(cluster: np.ndarray, n_minority: int) -> list[np.ndarray]:
    """Safe minority rows, cluster by cluster, of clusters that have two or more.

    `cluster (N,)` is each row's; the first `n_minority` rows are the minority. Gives row numbers.
    """
    minority = np.bincount(cluster[:n_minority], minlength=cluster.max() + 1)
    is_safe = (2 * minority > np.bincount(cluster)) & (minority > 1)
    return [np.flatnonzero(cluster[:n_minority] == c) for c in np.flatnonzero(is_safe)]
