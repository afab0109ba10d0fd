"""The Mamba detector `W` (section 3.1) and, stacked, the experts `f_m` (section 3.2).

`W(x) = sigmoid(logit)` is the probability that a row is an anomaly. A row has no order, so what
the block scans is a choice: `record` makes one token of the whole row, `feature` one of each feature.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from swift_hydra_kedro.config import MambaConfig
from swift_hydra_kedro.models.blocks import residual_block
from swift_hydra_kedro.models.encoding import ALL_VIEWS, PiecewiseLinearEncoding
from swift_hydra_kedro.models.layers import RMSNorm, Stack, StackedLinear, global_randomness_kept

INPUTS = "inputs"


class RecordTokens(nn.Module):
    """One token for the whole row. Shape: `(*stack, B, F)` or `(B, F)` -> `(*stack, B, 1, d_model)`."""

    def __init__(self, n_inputs: int, d_model: int, stack: Stack) -> None:
        super().__init__()
        self.projection = StackedLinear(n_inputs, d_model, stack)

    def forward(self, encoded: Tensor) -> Tensor:
        """Project the row."""
        return self.projection(encoded).unsqueeze(-2)

    @property
    def input_weight(self) -> Tensor:
        """Weights by input, `(*stack, F, d_model)`; a view of the parameter."""
        return self.projection.weight.detach().mT


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

    @property
    def input_weight(self) -> Tensor:
        """Weights by input, `(*stack, F, d_model)`; a view of the parameter."""
        return self.weight.detach()


class MambaNet(nn.Module):
    """Tokens -> residual blocks -> LeakyReLU head, and beside them a path that is linear in the encoded row.

    This adds up one curve per feature (a generalised additive model: Hastie and Tibshirani, 1986). It is seldom far
    wrong where rows are few; the blocks say what no sum can say. The two probabilities are averaged.

    Shape: encoded rows `(*stack, B, F)` -> logits `(*stack, B)`.
    """

    additive_share: Tensor

    def __init__(self, encoding: PiecewiseLinearEncoding, config: MambaConfig, stack: Stack) -> None:
        super().__init__()
        width = config.d_model
        self.tokens: RecordTokens | FeatureTokens
        if config.tokens == "record":
            self.tokens = RecordTokens(encoding.n_outputs, width, stack)
        else:
            self.tokens = FeatureTokens(encoding.feature_of_output, encoding.n_features, width, stack)
        self.norms = nn.ModuleList(RMSNorm(width, stack) for _ in range(config.depth))
        self.blocks = nn.ModuleList(residual_block(config, stack) for _ in range(config.depth))
        self.final_norm = RMSNorm(width, stack)
        self.hidden = StackedLinear(width, width, stack)
        self.output = StackedLinear(width, 1, stack)
        self.additive = None
        if config.additive is not None:
            self.register_buffer("additive_share", torch.tensor(config.additive.share))
            self.additive = StackedLinear(encoding.n_outputs, 1, stack)
            nn.init.zeros_(self.additive.weight)

    def forward(self, encoded: Tensor) -> Tensor:
        """Logits of encoded rows."""
        deep, *additive = self.paths(encoded)
        return logit_of_mean(deep, additive[0], self.additive_share) if additive else deep

    def paths(self, encoded: Tensor) -> list[Tensor]:
        """Logits of the blocks and, if there is one, of the additive path, `(*stack, B)` each."""
        tokens = self.tokens(encoded)  # (*stack, B, L, d_model)
        for norm, block in zip(self.norms, self.blocks, strict=True):
            tokens = tokens + block(norm(tokens))
        last = self.final_norm(tokens[..., -1, :])  # the scan is causal: the last token has seen all
        logits = [self.output(F.leaky_relu(self.hidden(last)))]
        if self.additive is not None:
            logits.append(self.additive(encoded))
        return [path.squeeze(-1) for path in logits]

    @property
    def input_weights(self) -> list[Tensor]:
        """Weights by input, `(*stack, F, ...)` each; views of the parameters."""
        additive = [] if self.additive is None else [self.additive.weight.detach().mT]
        return [self.tokens.input_weight, *additive]

    def inputs_seen(self) -> Tensor:
        """Inputs that have a weight other than 0, `(*stack, F)`, 1 or 0."""
        return torch.stack([(weight != 0).any(dim=-1) for weight in self.input_weights]).any(dim=0).float()

    def keep_only(self, mask: Tensor) -> None:
        """Forget the inputs where `mask (*stack, F)` is 0."""
        for weight in self.input_weights:
            weight.mul_(mask.unsqueeze(-1))


def logit_of_mean(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    """Logit of `(1 - share) sigmoid(first) + share sigmoid(second)`, without rounding it to 0 or 1 on the way."""
    log_first, log_second = torch.log1p(-share), torch.log(share)
    anomalous = torch.logaddexp(log_first + F.logsigmoid(first), log_second + F.logsigmoid(second))
    normal = torch.logaddexp(log_first + F.logsigmoid(-first), log_second + F.logsigmoid(-second))
    return anomalous - normal


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

    def paths(self, x: Tensor) -> list[Tensor]:
        """Logits of scaled rows by the blocks and, if there is one, by the additive path."""
        return self.net.paths(self.encoding(x))

    def part(self, members: Tensor, views: Sequence[int] = ALL_VIEWS, n_features: int | None = None) -> MambaDetector:
        """Copies of the `members (G,)` of this stack, which compute some of the encoding's views alone.

        With `n_features`, they see the first of the features alone, without regard to what the others were to them.
        """
        device = self.encoding.binned.device
        with global_randomness_kept():
            part = MambaDetector(self.encoding.part(views, n_features), self.config, (len(members),)).to(device)
        own, inputs = self._weights(), self._inputs_of(part)
        for name, weight in part._weights().items():
            whole = own[name][(members.unsqueeze(1), inputs) if name.startswith(INPUTS) else members]
            weight.copy_(whole[tuple(map(slice, weight.shape))])  # of a bias for each feature, those of the first
        if self.net.additive is not None:
            part.net.additive_share.copy_(self.net.additive_share)
        return part

    def take_over(self, part: MambaDetector, members: Tensor) -> None:
        """Put the weights of `part`, stacked as `(G,)`, in the place of those of the `members (G,)` of this stack.

        The part may compute some of the encoding's views alone; the weights of other inputs stay.
        """
        own, inputs = self._weights(), self._inputs_of(part)
        for name, weight in part._weights().items():
            own[name][(members.unsqueeze(1), inputs) if name.startswith(INPUTS) else members] = weight

    def sees(self, view: int) -> Tensor:
        """Which of the stacked detectors have a weight other than 0 for an input of the view, `(M,)`."""
        inputs = (self.encoding.view_of_output == view).nonzero().flatten()
        by_input = [weight[:, inputs].flatten(1) for weight in self.net.input_weights]
        return (torch.cat(by_input, dim=1) != 0).any(dim=1)

    def _inputs_of(self, part: MambaDetector) -> Tensor:
        """Numbers of the inputs that `part` computes, `(F',)`."""
        views = torch.tensor(part.encoding.views, device=self.encoding.binned.device)
        seen = self.encoding.feature_of_output < part.encoding.n_features
        return (seen & torch.isin(self.encoding.view_of_output, views)).nonzero().flatten()

    def _weights(self) -> dict[str, Tensor]:
        """Views of all weights; names of those by input, `(*stack, F, ...)`, start with `INPUTS`."""
        by_input = {f"{INPUTS}{number}": weight for number, weight in enumerate(self.net.input_weights)}
        pointers = {weight.data_ptr() for weight in by_input.values()}
        others = {n: p.detach() for n, p in self.net.named_parameters() if p.data_ptr() not in pointers}
        return others | by_input
