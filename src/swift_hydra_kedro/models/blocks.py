"""What may stand in the place of the Mamba block, so that an ablation can say what the block is worth.

Each has about as many weights as a Mamba block of the same width and `expand`.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from swift_hydra_kedro.config import MambaConfig
from swift_hydra_kedro.models.layers import Stack, StackedLinear
from swift_hydra_kedro.models.mamba import Mamba

HEADS = 4


def residual_block(config: MambaConfig, stack: Stack) -> nn.Module:
    """The block that the configuration names. Shape: `(*stack, b, l, d_model)` -> the same."""
    if config.block == "mlp":
        return FeedForward(config.d_model, 2 * config.expand * config.d_model, stack)
    if config.block == "transformer":
        return Transformer(config.d_model, config.expand * config.d_model, stack)
    return Mamba(config.d_model, config.d_state, config.d_conv, config.expand, stack, config.backend)


class FeedForward(nn.Module):
    """Two layers that see each token by itself. Shape: `(*stack, b, l, d_model)` -> the same."""

    def __init__(self, d_model: int, d_hidden: int, stack: Stack) -> None:
        super().__init__()
        self.hidden, self.output = StackedLinear(d_model, d_hidden, stack), StackedLinear(d_hidden, d_model, stack)

    def forward(self, x: Tensor) -> Tensor:
        """Project up, bend, project down."""
        return self.output(F.silu(self.hidden(x)))


class Transformer(nn.Module):
    """Multi-head self-attention over the tokens, then two layers (Vaswani et al., 2017).

    Shape: `(*stack, b, l, d_model)` -> the same.
    """

    def __init__(self, d_model: int, d_hidden: int, stack: Stack) -> None:
        super().__init__()
        self.n_heads = HEADS if d_model % HEADS == 0 else 1
        self.project = StackedLinear(d_model, 3 * d_model, stack)
        self.merge = StackedLinear(d_model, d_model, stack)
        self.feed_forward = FeedForward(d_model, d_hidden, stack)

    def forward(self, x: Tensor) -> Tensor:
        """Attend, then transform each token."""
        heads = self.project(x).unflatten(-1, (3, self.n_heads, -1)).movedim(-2, -4)  # (*stack, b, heads, l, 3, dh)
        query, key, value = heads.unbind(-2)
        attended = self.merge(F.scaled_dot_product_attention(query, key, value).movedim(-3, -2).flatten(-2))
        return attended + self.feed_forward(x + attended)
