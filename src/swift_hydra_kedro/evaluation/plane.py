"""A plane through the data, on which a detector's regions can be drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MARGIN = 0.1


@dataclass(frozen=True)
class Plane:
    """Origin `(P,)`, orthonormal `basis (2, P)` and the names of its two axes.

    Two features span it themselves; more are cut along their first two principal components.
    """

    origin: np.ndarray
    basis: np.ndarray
    names: tuple[str, str]

    @classmethod
    def fit(cls, x: np.ndarray, feature_names: list[str]) -> Plane:
        """Lay the plane through scaled rows `x (N, P)`."""
        n_features = x.shape[1]
        if n_features == 2:
            return cls(np.zeros(2), np.eye(2), (f"{feature_names[0]} (scaled)", f"{feature_names[1]} (scaled)"))
        origin = x.mean(0)
        covariance = np.atleast_2d(np.cov(x.T))
        basis = np.zeros((2, n_features))
        basis[: min(2, n_features)] = np.linalg.eigh(covariance).eigenvectors.T[::-1][:2]  # of the largest first
        return cls(origin, basis, ("principal component 1", "principal component 2"))

    def project(self, x: np.ndarray) -> np.ndarray:
        """Coordinates on the plane, `(N, P)` -> `(N, 2)`."""
        return (x - self.origin) @ self.basis.T

    def grid(self, points: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Axes `(n,)` that span `points (N, 2)` with a margin, and the grid's rows `(n * n, P)`, y outermost."""
        low, high = points.min(0), points.max(0)
        pad = MARGIN * np.maximum(high - low, 1e-6)
        x_axis, y_axis = (np.linspace(low[i] - pad[i], high[i] + pad[i], n) for i in (0, 1))
        on_plane = np.stack(np.meshgrid(x_axis, y_axis), axis=-1).reshape(-1, 2)
        return x_axis, y_axis, (self.origin + on_plane @ self.basis).astype(np.float32)
