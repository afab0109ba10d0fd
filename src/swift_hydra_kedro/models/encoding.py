"""Three views of each numeric feature: scaled, piecewise-linear (Gorishniy et al., NeurIPS 2022, 3.2), and normal.

A scaled feature is joined by its position within each of its quantile bins, clipped to [0, 1], so that a
linear layer on top is a piecewise-linear function of the feature; and by its normal score, the standard
normal quantile of its rank among the training rows, interpolated between the bins' edges. All of it is
differentiable, so that the generator's gradient passes through.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy.stats import norm
from torch import Tensor, nn

from swift_hydra_kedro.models.ranks import mid_ranks

MAX_INPUTS = 4096
MIN_WIDTH = 1e-6
SCALED, PIECEWISE, NORMAL = ALL_VIEWS = range(3)


class PiecewiseLinearEncoding(nn.Module):
    """Encode `(..., P)` scaled features as `(..., F)`: the features, T bins for each of Q of them, Q normal scores.

    Of these, only the `views` asked for.

    Buffers: `binned (Q,)` the features that have bins, `inverse_width` and `offset (Q, T)` of each bin, such
    that `offset + inverse_width * x` runs from 0 to 1 within it, `lowest_score (Q,)` the normal score at a feature's
    first edge and `score_step (Q, T)` its rise over each bin. Bins a feature lacks are 0 throughout.
    """

    binned: Tensor
    inverse_width: Tensor
    offset: Tensor
    lowest_score: Tensor
    score_step: Tensor

    def __init__(
        self,
        n_features: int,
        binned: Tensor,
        inverse_width: Tensor,
        offset: Tensor,
        lowest_score: Tensor,
        score_step: Tensor,
        *,
        views: Sequence[int] = ALL_VIEWS,
    ) -> None:
        super().__init__()
        self.n_features, self.views = n_features, views
        self.register_buffer("binned", binned)
        self.register_buffer("inverse_width", inverse_width)
        self.register_buffer("offset", offset)
        self.register_buffer("lowest_score", lowest_score)
        self.register_buffer("score_step", score_step)

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
        inverse_width, offset, score_step = np.zeros((3, len(binned), bins))
        lowest_score = np.zeros(len(binned))
        for row, feature in enumerate(binned):
            left, width = edges[feature][:-1], np.maximum(np.diff(edges[feature]), MIN_WIDTH)
            inverse_width[row, : len(left)] = 1 / width
            offset[row, : len(left)] = -left / width
            scores = _normal_scores(edges[feature], x[:, feature])
            lowest_score[row], score_step[row, : len(left)] = scores[0], np.diff(scores)
        arrays = (inverse_width, offset, lowest_score, score_step)
        as_float = [torch.as_tensor(array, dtype=torch.float32) for array in arrays]
        return cls(n_features, torch.as_tensor(binned, dtype=torch.int64), *as_float)

    def part(self, views: Sequence[int], n_features: int | None = None) -> PiecewiseLinearEncoding:
        """The same encoding with some of the views alone, and the first features if not all."""
        n_features = self.n_features if n_features is None else n_features
        kept = self.binned < n_features
        buffers = (buffer[kept] for buffer in self.buffers())  # in the order of the arguments
        return type(self)(n_features, *buffers, views=views)

    @property
    def n_outputs(self) -> int:
        """Width F of the encoding."""
        return len(self.view_of_output)

    @property
    def feature_of_output(self) -> Tensor:
        """Feature that each of the F outputs encodes, `(F,)`."""
        features = torch.arange(self.n_features, device=self.binned.device)
        of_view = (features, self.binned.repeat_interleave(self.offset.shape[1]), self.binned)
        return torch.cat([of_view[view] for view in self.views])

    @property
    def view_of_output(self) -> Tensor:
        """View that each of the F outputs belongs to, `(F,)`: SCALED, PIECEWISE or NORMAL."""
        sizes = (self.n_features, self.offset.numel(), len(self.binned))
        return torch.cat([torch.full((sizes[view],), view, device=self.binned.device) for view in self.views])

    def forward(self, x: Tensor) -> Tensor:
        """Join each feature, each binned feature's position in each of its bins, and its normal score."""
        parts = {SCALED: x}
        if PIECEWISE in self.views or NORMAL in self.views:
            values = x if len(self.binned) == self.n_features else x[..., self.binned]
            position = torch.addcmul(self.offset, values.unsqueeze(-1), self.inverse_width).clamp_(0, 1)  # (..., Q, T)
            parts[PIECEWISE] = position.flatten(-2)
            if NORMAL in self.views:
                parts[NORMAL] = self.lowest_score + torch.einsum("...qt,qt->...q", position, self.score_step)
        return torch.cat([parts[view] for view in self.views], dim=-1)


def _normal_scores(edges: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Standard normal quantiles of the edges' mid-ranks among the training rows, kept half a row from 0 and 1."""
    return norm.ppf(mid_ranks(edges, column).clip(0.5 / len(column), 1 - 0.5 / len(column)))


def _edges(column: np.ndarray, bins: int) -> np.ndarray:
    """Distinct values at the quantiles of a feature, at most `bins + 1`.

    Where nearly all rows share one value, the quantiles are those of the distinct values.
    """
    levels = np.linspace(0, 1, bins + 1)
    edges = np.unique(np.quantile(column, levels, method="lower"))
    return edges if len(edges) > 2 else np.unique(np.quantile(np.unique(column), levels, method="lower"))
