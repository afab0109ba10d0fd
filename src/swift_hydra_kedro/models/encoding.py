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


class PiecewiseLinearEncoding(nn.Module):
    """Encode `(..., P)` scaled features as `(..., F)`: the features, then their bins.

    Buffers: `column (F - P,)` the feature that a bin belongs to, `left` and `inverse_width` its edges.
    """

    column: Tensor
    left: Tensor
    inverse_width: Tensor

    def __init__(self, n_features: int, column: Tensor, left: Tensor, inverse_width: Tensor) -> None:
        super().__init__()
        self.n_features = n_features
        self.register_buffer("column", column)
        self.register_buffer("left", left)
        self.register_buffer("inverse_width", inverse_width)

    @classmethod
    def fit(cls, x: np.ndarray, bins: int) -> PiecewiseLinearEncoding:
        """Place edges at the training rows' quantiles.

        Parameters
        ----------
        x : (N, P) scaled training rows
        bins : bins per feature; fewer where P is large, so that F stays near `MAX_INPUTS`,
            none for a feature of one or two values, which is its own encoding

        Returns
        -------
        PiecewiseLinearEncoding
        """
        n_features = x.shape[1]
        bins = min(bins, max(2, MAX_INPUTS // n_features)) if bins else 0
        columns, lefts, widths = [np.empty(0, int)], [np.empty(0)], [np.empty(0)]
        if bins:
            quantiles = np.quantile(x, np.linspace(0, 1, bins + 1), axis=0)
            for feature in range(n_features):
                edges = np.unique(quantiles[:, feature])
                if len(edges) > 2:
                    columns.append(np.full(len(edges) - 1, feature))
                    lefts.append(edges[:-1])
                    widths.append(np.diff(edges))
        width = torch.as_tensor(np.concatenate(widths), dtype=torch.float32).clamp(min=1e-6)
        left = torch.as_tensor(np.concatenate(lefts), dtype=torch.float32)
        return cls(n_features, torch.as_tensor(np.concatenate(columns)), left, 1 / width)

    @property
    def n_outputs(self) -> int:
        """Width F of the encoding."""
        return self.n_features + len(self.column)

    @property
    def feature_of_output(self) -> Tensor:
        """Feature that each of the F outputs encodes, `(F,)`."""
        return torch.cat([torch.arange(self.n_features, device=self.column.device), self.column])

    def forward(self, x: Tensor) -> Tensor:
        """Append each feature's position in each of its bins."""
        if len(self.column) == 0:
            return x
        position = (x[..., self.column] - self.left) * self.inverse_width  # (..., F - P)
        return torch.cat([x, position.clamp(0, 1)], dim=-1)
