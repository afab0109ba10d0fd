"""The Mamba detector `W` (section 3.1) and, stacked, the experts `f_m` (section 3.2).

`W(x) = sigmoid(logit)` is the probability that a row is an anomaly. A row has no order, so what
the block scans is a choice: `record` makes one token of the whole row, `feature` one of each feature.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from swift_hydra_kedro.config import MambaConfig
from swift_hydra_kedro.models.encoding import PiecewiseLinearEncoding
from swift_hydra_kedro.models.layers import RMSNorm, Stack, StackedLinear
from swift_hydra_kedro.models.mamba import Mamba


class RecordTokens(nn.Module):
    """One token for the whole row. Shape: `(*stack, B, F)` or `(B, F)` -> `(*stack, B, 1, d_model)`."""

    def __init__(self, n_inputs: int, d_model: int, stack: Stack) -> None:
        super().__init__()
        self.projection = StackedLinear(n_inputs, d_model, stack)

    def forward(self, encoded: Tensor) -> Tensor:
        """Project the row."""
        return self.projection(encoded).unsqueeze(-2)

    @torch.no_grad()
    def keep_only(self, mask: Tensor) -> None:
        """Forget the inputs where `mask (*stack, F)` is 0."""
        self.projection.weight.mul_(mask.unsqueeze(-2))


class FeatureTokens(nn.Module):
    """One token for each feature. Shape: `(*stack, B, F)` or `(B, F)` -> `(*stack, B, P, d_model)`."""

    feature_of_output: Tensor

    def __init__(self, feature_of_output: Tensor, n_features: int, d_model: int, stack: Stack) -> None:
        super().__init__()
        self.n_features = n_features
        self.register_buffer("feature_of_output", feature_of_output, persistent=False)
        self.weight = nn.Parameter(torch.randn(*stack, len(feature_of_output), d_model) * 0.1)
        self.bias = nn.Parameter(torch.randn(*stack, n_features, d_model) * 0.1)

    def forward(self, encoded: Tensor) -> Tensor:
        """Sum the embeddings of the outputs that encode the same feature."""
        parts = encoded.unsqueeze(-1) * self.weight.unsqueeze(-3)  # (*stack, B, F, d_model)
        tokens = self.bias.unsqueeze(-3).expand(*parts.shape[:-2], -1, -1)  # (*stack, B, P, d_model)
        return tokens.index_add(-2, self.feature_of_output, parts)

    @torch.no_grad()
    def keep_only(self, mask: Tensor) -> None:
        """Forget the inputs where `mask (*stack, F)` is 0."""
        self.weight.mul_(mask.unsqueeze(-1))


class MambaNet(nn.Module):
    """Tokens -> residual Mamba blocks -> LeakyReLU head.

    Shape: encoded rows `(*stack, B, F)` -> logits `(*stack, B)`.
    """

    def __init__(self, encoding: PiecewiseLinearEncoding, config: MambaConfig, stack: Stack) -> None:
        super().__init__()
        width = config.d_model
        self.tokens: RecordTokens | FeatureTokens
        if config.tokens == "record":
            self.tokens = RecordTokens(encoding.n_outputs, width, stack)
        else:
            self.tokens = FeatureTokens(encoding.feature_of_output, encoding.n_features, width, stack)
        self.norms = nn.ModuleList(RMSNorm(width, stack) for _ in range(config.depth))
        self.blocks = nn.ModuleList(
            Mamba(width, config.d_state, config.d_conv, config.expand, stack, config.backend)
            for _ in range(config.depth)
        )
        self.final_norm = RMSNorm(width, stack)
        self.hidden = StackedLinear(width, width, stack)
        self.output = StackedLinear(width, 1, stack)

    def forward(self, encoded: Tensor) -> Tensor:
        """Logits of encoded rows."""
        tokens = self.tokens(encoded)  # (*stack, B, L, d_model)
        for norm, block in zip(self.norms, self.blocks, strict=True):
            tokens = tokens + block(norm(tokens))
        last = self.final_norm(tokens[..., -1, :])  # the scan is causal: the last token has seen all
        return self.output(F.leaky_relu(self.hidden(last))).squeeze(-1)


class MambaDetector(nn.Module):
    """Feature encoding and Mamba net.

    Shape: scaled rows `(*stack, B, P)`, or `(B, P)` for all of them alike -> logits `(*stack, B)`. With
    `stack=(M,)` it is M independent detectors that share the encoding.
    """

    def __init__(self, encoding: PiecewiseLinearEncoding, config: MambaConfig, stack: Stack = ()) -> None:
        super().__init__()
        self.encoding, self.config, self.stack = encoding, config, stack
        self.net = MambaNet(encoding, config, stack)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of scaled rows."""
        return self.net(self.encoding(x))
