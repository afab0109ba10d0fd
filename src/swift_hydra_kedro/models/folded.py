"""Detectors and mixtures as they score: the same function as in training in a fraction of the time.

Where a row is one token, the convolution sees its last tap alone and the scan starts from nothing. What is linear is
multiplied out once: gains and taps go into the projections next to them, and normal scores are linear in the positions
within bins. What the bins of a feature come to after a projection is looked up.

What the score of a row is does not depend, to the bit, on the rows scored with it (see `filled_up`) as long as experts
are no fewer and layers no narrower than 16: some processors' products of fewer columns round a row by where it stands.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call

from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.encoding import ALL_VIEWS, NORMAL, PIECEWISE, SCALED, PiecewiseLinearEncoding
from swift_hydra_kedro.models.layers import MULTIPLE, blocks_of_groups, filled_up
from swift_hydra_kedro.models.mome import MixtureOfExperts
from swift_hydra_kedro.models.runtime import at_once

BLOCK = 4096
LOCATED_AT_ONCE = 1024
LANES = 16
Weights = dict[str, Tensor]
Score = Callable[[Tensor], tuple[Tensor, Tensor]]
Member = Callable[["LocatedRows"], Tensor]


def fold(model: MambaDetector | MixtureOfExperts) -> Score:
    """Prepare a single detector or a mixture for scoring.

    What is returned takes scaled rows `(B, P)` and gives probabilities `(B,)` in float64 and the experts they are of.
    """
    return FoldedMixture(model) if isinstance(model, MixtureOfExperts) else FoldedSingle(model)


class FoldedMixture:
    """The gated, calibrated mean of the k experts chosen for each row (eq. 5)."""

    def __init__(self, mixture: MixtureOfExperts) -> None:
        self.mixture = mixture
        self.locate, self.experts = fold_members(mixture.experts)

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities of scaled rows, `(B, P)` -> `(B,)`, and the experts that they are of, `(B, k)`."""
        mixture, n_rows = self.mixture, len(x)
        described = mixture.describe(filled_up(x))  # (B, P')
        weights, chosen = mixture.gate(described)  # (B, k) each
        located = self.locate(described)
        probability = torch.empty(chosen.numel(), dtype=torch.float64, device=x.device)
        blocks, expert_of_block = blocks_of_groups(chosen.flatten(), len(self.experts))  # of pairs of row and rank
        n_blocks = torch.bincount(expert_of_block, minlength=len(self.experts)).tolist()
        for expert, own in zip(self.experts, blocks.split(n_blocks), strict=True):
            for part in own.split(at_once(BLOCK // MULTIPLE, x.device)) if len(own) else ():
                pairs = part.flatten()
                probability[pairs] = expert(located.of(pairs // mixture.gate.top_k))
        mean = (weights * probability.view_as(weights)).sum(-1)
        return mixture.calibration(mean)[:n_rows], chosen[:n_rows]


class FoldedSingle:
    """One detector by itself."""

    def __init__(self, detector: MambaDetector) -> None:
        self.locate, (self.detector,) = fold_members(detector)

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities of scaled rows, `(B, P)` -> `(B,)`, and noughts, for there is one expert, `(B, 1)`."""
        probability = self.detector(self.locate(filled_up(x)))[: len(x)]
        return probability, torch.zeros(len(x), 1, dtype=torch.int64, device=x.device)


def fold_members(detector: MambaDetector) -> tuple[Callable[[Tensor], LocatedRows], list[Member]]:
    """Prepare each detector of a stack, or the one there is, and what they all do to rows first.

    What cannot be folded is run as it is, in double precision, so that rounding, which there depends on a row's
    company, hardly shows.
    """
    config = detector.config
    foldable = config.tokens == "record" and config.block == "mamba" and tuple(detector.encoding.views) == (*ALL_VIEWS,)
    if not foldable:
        detector = copy.deepcopy(detector).double()
    weights = {name: value.detach() for name, value in detector.net.named_parameters()}
    members = [weights]
    if detector.stack:
        members = [{name: value[i] for name, value in weights.items()} for i in range(detector.stack[0])]
    if not foldable:
        return LocatedRows.without_bins, [_as_it_is(detector, own) for own in members]
    return Bins(detector.encoding), [FoldedDetector(detector, own) for own in members]


class LocatedRows(NamedTuple):
    """Rows `x (B, P)`, the number of the bin that each feature is in, `bin (B, Q)`, and its `position (B, Q)` there."""

    x: Tensor
    bin: Tensor
    position: Tensor

    @classmethod
    def without_bins(cls, x: Tensor) -> LocatedRows:
        """Rows as they are, `(B, P)`."""
        return cls(x, x[:, :0], x[:, :0])

    def of(self, rows: Tensor) -> LocatedRows:
        """Some of the rows."""
        return LocatedRows(*(part.index_select(0, rows) for part in self))


class Bins:
    """The bins of all features, `T` of each, and where rows are in them."""

    def __init__(self, encoding: PiecewiseLinearEncoding) -> None:
        self.binned, self.offset, self.inverse_width = encoding.binned, encoding.offset, encoding.inverse_width
        n_features, n_bins = self.offset.shape
        self.one = self.offset.new_ones(n_bins)
        self.first = n_bins * torch.arange(n_features, dtype=torch.int32, device=self.offset.device)

    def __call__(self, x: Tensor) -> LocatedRows:
        """Locate rows, `(B, P)`."""
        if not len(self.binned):
            return LocatedRows.without_bins(x)
        size = at_once(LOCATED_AT_ONCE, x.device)
        memory = x.new_empty(min(size, len(x)), *self.offset.shape)
        bin, position = (x.new_empty(len(x), len(self.binned), dtype=kind) for kind in (torch.int32, x.dtype))
        for part, own_bin, passed in zip(*(whole.split(size) for whole in (x, bin, position)), strict=True):
            self._pass(part, memory[: len(part)], passed)
            own_bin.copy_(passed.floor().clamp_(max=len(self.one) - 1))
            passed.sub_(own_bin)
        return LocatedRows(x, bin.add_(self.first), position)

    def _pass(self, x: Tensor, memory: Tensor, passed: Tensor) -> None:
        """Of a feature, the positions within all bins add up to how many of these a row has `passed (B, Q)`."""
        values = x.index_select(1, self.binned).unsqueeze(-1)
        torch.addcmul(self.offset, values, self.inverse_width, out=memory)
        torch.matmul(memory.clamp_(0, 1), self.one, out=passed)


class FoldedDetector:
    """Mamba blocks over one token, beside the additive path if there is one."""

    def __init__(self, detector: MambaDetector, weights: Weights) -> None:
        maps = [(weights["tokens.projection.weight"], weights["tokens.projection.bias"])]  # (d, F), (d,)
        if detector.net.additive is not None:
            maps.append((weights["additive.weight"], weights["additive.bias"]))
        self.share = None if detector.net.additive is None else detector.net.additive_share
        self.inputs = FoldedInputs(detector.encoding, *(torch.cat(parts) for parts in zip(*maps, strict=True)))
        self.width = len(maps[0][0])
        self.eps = detector.net.final_norm.eps
        self.blocks = [
            FoldedBlock(_below(weights, f"blocks.{i}."), weights[f"norms.{i}.weight"], self.eps)
            for i in range(detector.config.depth)
        ]
        self.hidden = (weights["hidden.weight"] * weights["final_norm.weight"]).T
        self.hidden_bias = weights["hidden.bias"]
        self.output, self.output_bias = weights["output.weight"][0], weights["output.bias"]

    def __call__(self, rows: LocatedRows) -> Tensor:
        """Probabilities of rows, `(B,)`."""
        inputs = self.inputs(rows)  # (B, d + 1 or more)
        token = inputs[:, : self.width].contiguous()
        for block in self.blocks:
            token = block(token)
        hidden = torch.addmm(self.hidden_bias, _normalised(token, self.eps), self.hidden)
        logit = (F.leaky_relu(hidden) * self.output).sum(-1) + self.output_bias
        probability = torch.sigmoid(logit.double())
        if self.share is not None:
            additive = torch.sigmoid(inputs[:, self.width].double())
            probability = torch.lerp(probability, additive, self.share.double())
        return probability


class FoldedInputs:
    """The encoding and a linear map behind it, `weight (O, F)`, `bias (O,)`: `(B, P)` -> `(B, O)` and noughts.

    Of a feature in bins, the map is a piecewise-linear function: its value where a bin begins and its rise over the bin
    are looked up, where a product with the positions in all bins would take several times as long.
    """

    def __init__(self, encoding: PiecewiseLinearEncoding, weight: Tensor, bias: Tensor) -> None:
        view = encoding.view_of_output
        by_score = weight[:, view == NORMAL]  # (O, Q)
        by_bin = weight[:, view == PIECEWISE].unflatten(1, encoding.offset.shape)  # (O, Q, T)
        rise = by_bin + by_score.unsqueeze(-1) * encoding.score_step
        self.rise, self.start = (_widened(part.flatten(1).T) for part in (rise, rise.cumsum(-1) - rise))  # (Q T, O)
        self.scaled = _widened(weight[:, view == SCALED].T)  # (P, O)
        self.bias = _widened(bias + by_score @ encoding.lowest_score)

    def __call__(self, rows: LocatedRows) -> Tensor:
        """Project rows."""
        outputs = torch.addmm(self.bias, rows.x, self.scaled)
        if rows.bin.shape[1]:
            outputs += F.embedding_bag(rows.bin, self.start, mode="sum")
            outputs += F.embedding_bag(rows.bin, self.rise, mode="sum", per_sample_weights=rows.position)
        return outputs


def _widened(x: Tensor) -> Tensor:
    """Fill up the last dimension to a multiple of what a processor adds at a time."""
    return F.pad(x, (0, -x.shape[-1] % LANES)).contiguous()


class FoldedBlock:
    """Norm and Mamba block over one token, with the residual: `(B, d)` -> `(B, d)`."""

    def __init__(self, weights: Weights, gain: Tensor, eps: float) -> None:
        self.eps, self.d_state = eps, weights["A_log"].shape[-1]
        self.dt_rank = weights["dt_proj.weight"].shape[-1]
        last_tap = weights["conv1d.weight"][:, 0, -1]
        taps = torch.cat([last_tap, torch.ones_like(last_tap)])  # (2E,): the gate is not convolved
        self.into = (weights["in_proj.weight"] * gain * taps.unsqueeze(1)).T  # (d, 2E)
        self.into_bias = torch.cat([weights["conv1d.bias"], torch.zeros_like(last_tap)])
        self.x_proj, self.out_proj = weights["x_proj.weight"].T, weights["out_proj.weight"].T
        self.dt_proj, self.dt_bias = weights["dt_proj.weight"].T, weights["dt_proj.bias"]
        self.D = weights["D"]

    def __call__(self, token: Tensor) -> Tensor:
        """Add what the block says: `C . B delta u + D u` is all that is left of the scan (see `selective_scan`)."""
        both = F.silu(torch.addmm(self.into_bias, _normalised(token, self.eps), self.into), inplace=True)
        u, gate = both.chunk(2, dim=-1)  # (B, E) each
        dt, B, C = (u @ self.x_proj).split([self.dt_rank, self.d_state, self.d_state], dim=-1)
        delta = F.softplus(torch.addmm(self.dt_bias, dt, self.dt_proj))  # (B, E)
        y = torch.addcmul(self.D, delta, (B * C).sum(-1, keepdim=True)).mul_(u).mul_(gate)
        return torch.addmm(token, y, self.out_proj)


def _normalised(token: Tensor, eps: float) -> Tensor:
    """Root-mean-square normalisation, whose gain is in the projection behind it."""
    return token * torch.rsqrt(token.square().mean(-1, keepdim=True) + eps)


def _below(weights: Weights, prefix: str) -> Weights:
    return {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}


def _as_it_is(detector: MambaDetector, weights: Weights) -> Member:
    return lambda rows: torch.sigmoid(functional_call(detector.net, weights, (detector.encoding(rows.x.double()),)))
