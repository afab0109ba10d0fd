"""The loop in which networks learn."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor
from torch.optim import Optimizer


def minimise(losses: Iterable[Tensor], optimiser: Optimizer) -> None:
    """Make a step down each loss `()`; given as a generator, each is computed after the step before it."""
    for loss in losses:
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
