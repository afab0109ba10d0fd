"""Features by their ranks among the training rows: a scale on which no feature has tails."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

LEVELS = 512
UNIFORM_STD = 12**-0.5


class Ranks(nn.Module):
    """Mid-ranks among the training rows, in standard deviations of a uniform rank; interpolated between some values.

    Buffers: `values (P, L)` of each feature in rising order, the last one repeated, and their `rank_of_value (P, L)`.

    Shape: `(B, P)` -> `(B, P)`.
    """

    values: Tensor
    rank_of_value: Tensor

    def __init__(self, values: Tensor, rank_of_value: Tensor) -> None:
        super().__init__()
        self.register_buffer("values", values)
        self.register_buffer("rank_of_value", rank_of_value)

    @classmethod
    def fit(cls, x: np.ndarray) -> Ranks:
        """Take the ranks of quantiles of the training rows `x (N, P)` and of the values next to them.

        Without the latter, what lies just above a value that many rows share would get a rank between the two.
        """
        kept = [_quantiles_and_next(column) for column in x.T]
        width = max(2, *map(len, kept))  # one value has no next one to interpolate to
        values = np.stack([np.pad(some, (0, width - len(some)), mode="edge") for some in kept])
        ranks = [mid_ranks(some, column) / UNIFORM_STD for some, column in zip(values, x.T, strict=True)]
        return cls(*(torch.as_tensor(array, dtype=torch.float32) for array in (values, np.stack(ranks))))

    def forward(self, x: Tensor) -> Tensor:
        """Interpolate; what lies beyond the training rows has the rank of the last of them."""
        feature = x.T.contiguous()  # (P, B)
        above = torch.searchsorted(self.values, feature).clamp(1, self.values.shape[1] - 1)
        below = above - 1
        low, high = self.values.gather(1, below), self.values.gather(1, above)
        share = ((feature - low) / (high - low).clamp(min=torch.finfo(x.dtype).tiny)).clamp(0, 1)
        return torch.lerp(self.rank_of_value.gather(1, below), self.rank_of_value.gather(1, above), share).T


def mid_ranks(values: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Share of the rows of a feature `(N,)` below each of the values `(L,)`, those equal to it counted half."""
    ranked = np.sort(column)
    return (np.searchsorted(ranked, values, "left") + np.searchsorted(ranked, values, "right")) / (2 * len(column))


def _quantiles_and_next(column: np.ndarray) -> np.ndarray:
    """At most `LEVELS + 1` quantiles of a feature `(N,)`, and the next value above each; distinct, in rising order."""
    ranked, levels = np.sort(column), np.linspace(0, 1, min(LEVELS, len(column)) + 1)
    quantiles = np.quantile(ranked, levels, method="lower")
    above = np.searchsorted(ranked, quantiles, "right").clip(max=len(ranked) - 1)
    return np.union1d(quantiles, ranked[above])
