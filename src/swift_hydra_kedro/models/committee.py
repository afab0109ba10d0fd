"""Detectors that were trained apart, and their weighted mean."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from swift_hydra_kedro.models.detector import MambaDetector


class Committee(nn.Module):
    """C stacked detectors, the members, and what each weighs, `weight (C,)`, which sums to 1.

    Shape: scaled rows `(B, P)` -> probabilities `(B,)`.
    """

    weight: Tensor

    def __init__(self, members: MambaDetector, weight: Tensor | None = None) -> None:
        super().__init__()
        self.members = members
        n = members.stack[0]
        self.register_buffer("weight", torch.full((n,), 1 / n) if weight is None else weight)

    def forward(self, x: Tensor) -> Tensor:
        """Weighted mean of the members' probabilities."""
        return self.weight @ torch.sigmoid(self.members(x))  # (C,) @ (C, B)
