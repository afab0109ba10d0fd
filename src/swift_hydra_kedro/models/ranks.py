"""Features by their ranks among the training rows: a scale on which no feature has tails."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from swift_hydra_kedro.models.runtime import at_once

LEVELS = 512
UNIFORM_STD = 12**-0.5
BLOCK = 1024


class Ranks(nn.Module):
    """Mid-ranks among the training rows, in standard deviations of a uniform rank; interpolated between some values.

    Buffers: `values (P, L)` of each feature in rising order, the last one repeated, and their `rank_of_value (P, L)`.
    Made from these: the features that are `searched (S,)`, of more than two values; and `(P, I)` for each interval
    between two values, filled up to a power of 2 for each feature: where it starts, 1 / how wide it is, the rank at its
    start and how much that rises.

    Shape: `(B, P)` -> `(B, P)`.
    """

    values: Tensor
    rank_of_value: Tensor
    searched: Tensor
    start: Tensor
    inverse_width: Tensor
    start_rank: Tensor
    rise: Tensor

    def __init__(self, values: Tensor, rank_of_value: Tensor) -> None:
        super().__init__()
        self.register_buffer("values", values)
        self.register_buffer("rank_of_value", rank_of_value)
        searched = ((values.diff() > 0).sum(1) > 1).nonzero().flatten()
        self.register_buffer("searched", searched, persistent=False)
        width = values.diff().clamp(min=torch.finfo(values.dtype).tiny)
        self.n_intervals = 1 << (width.shape[1] - 1).bit_length()
        self._fill_up("start", values[:, :-1], torch.inf)
        self._fill_up("inverse_width", 1 / width, 0.0)
        self._fill_up("start_rank", rank_of_value[:, :-1], 0.0)
        self._fill_up("rise", rank_of_value.diff(), 0.0)

    def _fill_up(self, name: str, of_interval: Tensor, value: float) -> None:
        filled = F.pad(of_interval, (0, self.n_intervals - of_interval.shape[1]), value=value)
        self.register_buffer(name, filled.contiguous(), persistent=False)

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
        return torch.cat([self._interpolate(part) for part in x.split(at_once(BLOCK, x.device))])

    def _interpolate(self, x: Tensor) -> Tensor:
        """Ranks of some rows, `(b, P)` -> `(b, P)`."""
        of_intervals = self.start, self.inverse_width, self.start_rank, self.rise
        rank = _on_line(x, *(numbers[:, 0] for numbers in of_intervals))
        if len(self.searched):
            own = x.index_select(1, self.searched).flatten()
            interval = self._interval(own)
            found = _on_line(own, *(numbers.view(-1).index_select(0, interval) for numbers in of_intervals))
            rank.scatter_(1, self.searched.expand(len(x), -1), found.view(len(x), len(self.searched)))
        return rank

    def _interval(self, x: Tensor) -> Tensor:
        """The last interval that starts below each searched feature, or the first: a binary search of all at once.

        In step, it takes a third of the time of `torch.searchsorted`, whose branches the processor guesses wrong.
        """
        first = (self.n_intervals * self.searched).int()
        interval, step = first.repeat(len(x) // len(first)), self.n_intervals // 2
        start = self.start.view(-1)
        while step:
            interval.add_(start.index_select(0, interval + step) < x, alpha=step)
            step //= 2
        return interval


def _on_line(x: Tensor, start: Tensor, inverse_width: Tensor, start_rank: Tensor, rise: Tensor) -> Tensor:
    """Interpolate between the ends of an interval; beyond them it goes on level."""
    return torch.addcmul(start_rank, ((x - start) * inverse_width).clamp_(0, 1), rise)


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
