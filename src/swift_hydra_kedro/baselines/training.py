"""The step and the loop in which the networks among the baselines learn."""

from __future__ import annotations

import math
from collections.abc import Iterable

from torch import Tensor, nn
from torch.optim import Optimizer


def minimise(losses: Iterable[Tensor], optimiser: Optimizer) -> None:
    """Make a step down each loss `()`; given as a generator, each is computed after the step before it."""
    for loss in losses:
        descend(loss, optimiser)


def descend(loss: Tensor, optimiser: Optimizer, clipped: nn.Module | None = None, max_norm: float = math.inf) -> None:
    """Make a step down a loss `()`; what its gradient leaves in other networks, their own next step clears.

    The gradient of all weights of the network `clipped`, if it is given, is made no longer than `max_norm`.
    """
    optimiser.zero_grad()
    loss.backward()
    if clipped is not None:  # in the network's order: an optimiser's groups may be in any, and sums round by it
        nn.utils.clip_grad_norm_(clipped.parameters(), max_norm)
    optimiser.step()
