"""The step and the loop in which the networks among the baselines learn."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn
from torch.optim import Optimizer


def minimise(losses: Iterable[Tensor], optimiser: Optimizer) -> None:
    """Make a step down each loss `()`; given as a generator, each is computed after the step before it."""
    for loss in losses:
        descend(loss, optimiser)


def descend(loss: Tensor, optimiser: Optimizer, max_norm: float | None = None) -> None:
    """Make a step down a loss `()`; what its gradient leaves in other networks, their own next step clears.

    With `max_norm`, the gradient of all weights together is no longer than that.
    """
    optimiser.zero_grad()
    loss.backward()
    if max_norm is not None:
        nn.utils.clip_grad_norm_([weight for group in optimiser.param_groups for weight in group["params"]], max_norm)
    optimiser.step()
