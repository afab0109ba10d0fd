"""Detectors that were trained apart, and their weighted mean."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.encoding import ALL_VIEWS, NORMAL, PIECEWISE, SCALED


class Committee(nn.Module):
    """C stacked detectors, the members, and what each weighs, `weight (C,)`; of a whole committee they sum to 1.

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

    @torch.no_grad()
    def parts(self, size: int) -> list[Committee]:
        """Committees of at most `size` members, copies of these, whose answers add up to those of this one.

        The members that see no bins are apart from the others, and spared them.
        """
        sees_bins = self.members.sees(PIECEWISE)
        return [
            Committee(self.members.part(members, views), self.weight[members])
            for alike, views in ((sees_bins, ALL_VIEWS), (~sees_bins, (SCALED, NORMAL)))
            for members in alike.nonzero().flatten().split(size)
            if len(members)
        ]

    @torch.no_grad()
    def experts(self, n: int, n_features: int | None = None) -> MambaDetector:
        """Copies of the first `n` members, each with the additive path of the whole committee.

        That path is linear in the encoded row, so the mean of all members' is another one, and need not be learnt.
        With `n_features`, the copies see the first of the features alone.
        """
        experts = self.members.part(torch.arange(n, device=self.weight.device), n_features=n_features)
        self.lend_additive(experts)
        return experts

    @torch.no_grad()
    def lend_additive(self, experts: MambaDetector) -> None:
        """Give experts the additive path of the whole committee; of the features that they see."""
        everyone = torch.arange(len(self.weight), device=self.weight.device)
        members = self.members.part(everyone, n_features=experts.encoding.n_features)
        own, mean_of = experts.net.additive, members.net.additive
        if own is not None and mean_of is not None:
            for part, whole in zip(own.parameters(), mean_of.parameters(), strict=True):  # (n, ...) and (C, ...)
                part.copy_(torch.tensordot(self.weight, whole, dims=1).expand_as(part))
            experts.net.additive_share.copy_(members.net.additive_share)
