"""Piecewise-linear encoding of numeric features (Gorishniy et al., NeurIPS 2022, section 3.2).

Each scaled feature is joined by its position within each of its quantile bins, clipped to [0, 1]:
a linear layer on top is a piecewise-linear function of the feature. Differentiable, so that the
generator's gradient passes through.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

MAX_INPUTS = 4096
MIN_WIDTH = 1e-6


class PiecewiseLinearEncoding(nn.Module):
    """Encode `(..., P)` scaled features as `(..., F)`: the features, then T bins for each of Q features.

    Buffers: `binned (Q,)` the features that have bins, `inverse_width` and `offset (Q, T)` of each bin, such
    that `offset + inverse_width * x` runs from 0 to 1 within it. Bins a feature lacks are 0 throughout.
    """

    binned: Tensor
    inverse_width: Tensor
    offset: Tensor

    def __init__(self, n_features: int, binned: Tensor, inverse_width: Tensor, offset: Tensor) -> None:
        super().__init__()
        self.n_features = n_features
        self.register_buffer("binned", binned)
        self.register_buffer("inverse_width", inverse_width)
        self.register_buffer("offset", offset)

    @classmethod
    def fit(cls, x: np.ndarray, bins: int) -> PiecewiseLinearEncoding:
        """Place edges at the training rows' quantiles.

        Parameters
        ----------
        x : (N, P) scaled training rows
        bins : bins per feature; fewer where P is large, so that F stays near `MAX_INPUTS`,
            none for a feature of one or two values, which is its own encoding
        """
        n_features = x.shape[1]
        bins = min(bins, max(2, MAX_INPUTS // n_features)) if bins else 0
        edges = [_edges(column, bins) for column in x.T]
        binned = [feature for feature in range(n_features) if len(edges[feature]) > 2]
        inverse_width, offset = np.zeros((2, len(binned), bins))
        for row, feature in enumerate(binned):
            left, width = edges[feature][:-1], np.maximum(np.diff(edges[feature]), MIN_WIDTH)
            inverse_width[row, : len(left)] = 1 / width
            offset[row, : len(left)] = -left / width
        as_float = [torch.as_tensor(array, dtype=torch.float32) for array in (inverse_width, offset)]
        return cls(n_features, torch.as_tensor(binned, dtype=torch.int64), *as_float)

    @property
    def n_outputs(self) -> int:
        """Width F of the encoding."""
        return self.n_features + self.offset.numel()

    @property
    def feature_of_output(self) -> Tensor:
        """Feature that each of the F outputs encodes, `(F,)`."""
        features = torch.arange(self.n_features, device=self.binned.device)
        return torch.cat([features, self.binned.repeat_interleave(self.offset.shape[1])])

    def forward(self, x: Tensor) -> Tensor:
        """Append each binned feature's position in each of its bins."""
        if len(self.binned) == 0:
            return x
        values = x if len(self.binned) == self.n_features else x[..., self.binned]
        position = torch.addcmul(self.offset, values.unsqueeze(-1), self.inverse_width).clamp(0, 1)  # (..., Q, T)
        return torch.cat([x, position.flatten(-2)], dim=-1)


def _edges(column: np.ndarray, bins: int) -> np.ndarray:
    """Distinct values at the quantiles of a feature, at most `bins + 1`.

    Where nearly all rows share one value, the quantiles are those of the distinct values.
    """
    levels = np.linspace(0, 1, bins + 1)
    edges = np.unique(np.quantile(column, levels, method="lower"))
    return edges if len(edges) > 2 else np.unique(np.quantile(np.unique(column), levels, method="lower"))
