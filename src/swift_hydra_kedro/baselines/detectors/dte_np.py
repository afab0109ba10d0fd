"""DTE-NP, the non-parametric diffusion time estimation of Livernoche et al. (ICLR 2024, section 4).

Noise of variance `s` around a row at squared distance `r` makes the posterior of `s` an inverse gamma distribution with
rate `r / 2` (their equation for one row): the further from the training rows, the later the diffusion time. Their
estimate without a network averages over the nearest training rows; it is the mean distance that is averaged here, as
in the settings of their benchmark, five neighbours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.neighbors import NearestNeighbors
from sklearn.utils.validation import check_is_fitted


class NonParametricDTE(NearestNeighbors):
    """scikit-learn's search, by a tree where rows are narrow and by comparing all where they are wide.

    Fitted on normal rows `(N, P)`; of fewer than `n_neighbors` of them, all are neighbours.
    """

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Mean distance to the nearest training rows, `(N,)`: higher is more anomalous.

        Raises
        ------
        ValueError
            If rows cannot be used, or have another number of features than in training.
        """
        check_is_fitted(self)
        distances, _ = self.kneighbors(X, min(self.n_neighbors, self.n_samples_fit_))  # (N, K)
        return distances.mean(axis=1)
