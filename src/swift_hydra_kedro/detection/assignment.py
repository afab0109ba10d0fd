"""Which cluster each expert specialises in (eq. 6)."""

from __future__ import annotations

import numpy as np


def assign_clusters(sizes: np.ndarray, n_experts: int, penalty: float, rng: np.random.Generator) -> np.ndarray:
    """Draw a cluster for each expert, less likely the more often it was drawn, less so where it is large.

    `P(u)` is proportional to `exp(-(alpha / s_u) n_u)`; `c_0` cancels. Sizes are divided by their mean, so
    that `alpha` means the same on every table.

    Parameters
    ----------
    sizes : (U,) rows per cluster, positive
    n_experts : M
    penalty : alpha
    rng : source of the draws

    Returns
    -------
    (M,) cluster of each expert
    """
    relative = sizes / sizes.mean()
    counts = np.zeros(len(sizes))
    chosen = np.empty(n_experts, dtype=int)
    for expert in range(n_experts):
        chosen[expert] = rng.choice(len(sizes), p=selection_probability(counts, relative, penalty))
        counts[chosen[expert]] += 1
    return chosen


def selection_probability(counts: np.ndarray, relative_sizes: np.ndarray, penalty: float) -> np.ndarray:
    """Eq. 6: softmax of `-(alpha / s_u) n_u`, `(U,)`."""
    score = -penalty * counts / relative_sizes
    weight = np.exp(score - score.max())
    return weight / weight.sum()
