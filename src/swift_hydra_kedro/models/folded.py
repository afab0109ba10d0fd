"""Detectors and mixtures as they score: the same function as in training in a fraction of the time.

Where a row is one token, the convolution sees its last tap alone and the scan starts from nothing. What is linear is
multiplied out once: gains and taps go into the projections next to them, and normal scores are linear in the positions
within bins. What the bins of a feature come to after a projection is looked up.

Experts are computed together, on blocks of rows that are of one expert each, with the weights of that expert.

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

ROWS_AT_ONCE = 4096
COPIED_AT_ONCE = 2**20  # numbers: each block gets a copy of its expert's weights
LARGEST_BLOCK = 1024
BLOCKS_OF_AN_EXPERT = 32
FEWER = 4  # in double precision, step by step
LOCATED_AT_ONCE = 1024
LANES = 16
Named = dict[str, Tensor]
Score = Callable[[Tensor], tuple[Tensor, Tensor]]


def fold(model: MambaDetector | MixtureOfExperts) -> Score:
    """Prepare a single detector or a mixture for scoring.

    What is returned takes scaled rows `(B, P)` and gives probabilities `(B,)` in float64 and the experts they are of.
    """
    return FoldedMixture(model) if isinstance(model, MixtureOfExperts) else FoldedSingle(model)


class FoldedMixture:
    """The gated, calibrated mean of the k experts chosen for each row (eq. 5)."""

    def __init__(self, mixture: MixtureOfExperts) -> None:
        self.mixture, self.experts = mixture, Experts(mixture.experts)

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities of scaled rows, `(B, P)` -> `(B,)`, and the experts that they are of, `(B, k)`."""
        mixture, n_rows = self.mixture, len(x)
        described = mixture.describe(filled_up(x))  # (B, P')
        weights, chosen = mixture.gate(described)  # (B, k) each
        mean = (weights * self.experts(described, chosen)).sum(-1)
        return mixture.calibration(mean)[:n_rows], chosen[:n_rows]


class FoldedSingle:
    """One detector by itself."""

    def __init__(self, detector: MambaDetector) -> None:
        self.experts = Experts(detector)

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities of scaled rows, `(B, P)` -> `(B,)`, and noughts, for there is one expert, `(B, 1)`."""
        rows, n_rows = filled_up(x), len(x)
        chosen = torch.zeros(len(rows), 1, dtype=torch.int64, device=x.device)
        return self.experts(rows, chosen)[:n_rows, 0], chosen[:n_rows]


class Experts:
    """The detectors of a stack, or the one there is, each of which computes the rows that are sent to it alone."""

    def __init__(self, detector: MambaDetector) -> None:
        self.n_experts = detector.stack[0] if detector.stack else 1
        stacked = {name: value.detach() for name, value in detector.net.named_parameters()}
        if not detector.stack:
            stacked = {name: value.unsqueeze(0) for name, value in stacked.items()}
        config, views = detector.config, tuple(detector.encoding.views)
        if config.tokens == "record" and config.block == "mamba" and views == tuple(ALL_VIEWS):
            self.locate: Callable[[Tensor], LocatedRows] = Bins(detector.encoding)
            self.compute: FoldedDetectors | PlainDetectors = FoldedDetectors(detector, stacked)
        else:
            self.locate, self.compute = LocatedRows.without_bins, PlainDetectors(detector, stacked)

    def __call__(self, x: Tensor, chosen: Tensor) -> Tensor:
        """Probabilities of rows `(B, P)` by the experts chosen for each, `(B, k)` -> `(B, k)`, float64."""
        located, n_pairs = self.locate(x), chosen.numel()
        most = at_once(self.compute.rows_at_once, x.device)
        largest = min(most, LARGEST_BLOCK, n_pairs // (BLOCKS_OF_AN_EXPERT * self.n_experts))
        size = MULTIPLE * max(1, largest // MULTIPLE)
        blocks, experts = blocks_of_groups(chosen.flatten(), self.n_experts, size)  # of pairs of row and rank
        n_blocks = max(1, min(most // size, at_once(COPIED_AT_ONCE, x.device) // self.compute.n_weights))
        probability = torch.empty(n_pairs, dtype=torch.float64, device=x.device)
        for pairs, own in zip(blocks.split(n_blocks), experts.split(n_blocks), strict=True) if n_pairs else ():
            probability[pairs] = self.compute(located.of(pairs // chosen.shape[1]), own)
        return probability.view_as(chosen)


class LocatedRows(NamedTuple):
    """Rows `x (..., P)`, the number of the bin that each feature is in, `bin (..., Q)`, and its `position` there."""

    x: Tensor
    bin: Tensor
    position: Tensor

    @classmethod
    def without_bins(cls, x: Tensor) -> LocatedRows:
        """Rows as they are, `(B, P)`."""
        return cls(x, x[:, :0], x[:, :0])

    def of(self, rows: Tensor) -> LocatedRows:
        """Rows by their numbers, `(n, b)`."""
        return LocatedRows(*(part.index_select(0, rows.flatten()).unflatten(0, rows.shape) for part in self))


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


class Weights:
    """Weights `(M, ...)` of M experts side by side, so that a block gets all those of its expert by a single copy."""

    def __init__(self, *weights: Tensor) -> None:
        self.shapes = [weight.shape[1:] for weight in weights]
        self.side_by_side = torch.cat([weight.flatten(1) for weight in weights], dim=1)  # (M, W)

    @property
    def n_of_each(self) -> int:
        """Weights W of an expert."""
        return self.side_by_side.shape[1]

    def of(self, experts: Tensor) -> list[Tensor]:
        """Weights of some experts, `(n,)` -> `(n, ...)` each."""
        parts = self.side_by_side.index_select(0, experts).split([shape.numel() for shape in self.shapes], dim=1)
        return [part.unflatten(1, shape) for part, shape in zip(parts, self.shapes, strict=True)]


class FoldedDetectors:
    """Mamba blocks over one token, beside the additive path if there is one, of several detectors.

    An expert has `n_weights` beside what is looked up, and `rows_at_once` is how many rows are best computed together.
    """

    rows_at_once = ROWS_AT_ONCE

    def __init__(self, detector: MambaDetector, weights: Named) -> None:
        maps = [(weights["tokens.projection.weight"], weights["tokens.projection.bias"])]  # (M, d, F), (M, d)
        if detector.net.additive is not None:
            maps.append((weights["additive.weight"], weights["additive.bias"]))
        self.share = None if detector.net.additive is None else detector.net.additive_share
        self.inputs = FoldedInputs(detector.encoding, *(torch.cat(parts, dim=1) for parts in zip(*maps, strict=True)))
        self.width = maps[0][0].shape[1]
        self.eps = detector.net.final_norm.eps
        self.blocks = [
            FoldedBlock(_below(weights, f"blocks.{i}."), weights[f"norms.{i}.weight"], self.eps)
            for i in range(detector.config.depth)
        ]
        self.head = Weights(
            weights["hidden.bias"].unsqueeze(1),
            (weights["hidden.weight"] * weights["final_norm.weight"].unsqueeze(1)).mT,
            weights["output.weight"],
            weights["output.bias"],
        )
        self.n_weights = sum(part.n_of_each for part in (self.inputs.linear, *(b.own for b in self.blocks), self.head))

    def __call__(self, rows: LocatedRows, experts: Tensor) -> Tensor:
        """Probabilities of blocks of rows by an expert each, `(n,)` -> `(n, b)`."""
        inputs = self.inputs(rows, experts)  # (n, b, d + 1 or more)
        token = inputs[..., : self.width].contiguous()
        for block in self.blocks:
            token = block(token, experts)
        hidden_bias, hidden, output, output_bias = self.head.of(experts)
        last = torch.baddbmm(hidden_bias, _normalised(token, self.eps), hidden)
        logit = (F.leaky_relu(last) * output).sum(-1) + output_bias
        probability = torch.sigmoid(logit.double())
        if self.share is not None:
            additive = torch.sigmoid(inputs[..., self.width].double())
            probability = torch.lerp(probability, additive, self.share.double())
        return probability


class FoldedInputs:
    """The encoding and the linear maps behind it, `weight (M, O, F)`, `bias (M, O)`: `(n, b, P)` -> `(n, b, O)` and 0s.

    Of a feature in bins, a map is a piecewise-linear function: its value where a bin begins and its rise over the bin
    are looked up, where a product with the positions in all bins would take several times as long.
    """

    def __init__(self, encoding: PiecewiseLinearEncoding, weight: Tensor, bias: Tensor) -> None:
        view = encoding.view_of_output
        by_score = weight[..., view == NORMAL]  # (M, O, Q)
        by_bin = weight[..., view == PIECEWISE].unflatten(-1, encoding.offset.shape)  # (M, O, Q, T)
        rise = by_bin + by_score.unsqueeze(-1) * encoding.score_step
        start = rise.cumsum(-1) - rise
        self.rise, self.start = (_widened(part.flatten(2).mT).flatten(0, 1) for part in (rise, start))  # (M Q T, O)
        self.n_bins = encoding.offset.numel()
        self.linear = Weights(
            _widened(bias + by_score @ encoding.lowest_score).unsqueeze(1),  # (M, 1, O)
            _widened(weight[..., view == SCALED].mT),  # (M, P, O)
        )

    def __call__(self, rows: LocatedRows, experts: Tensor) -> Tensor:
        """Project blocks of rows by an expert each, `(n,)`."""
        bias, scaled = self.linear.of(experts)
        outputs = torch.baddbmm(bias, rows.x, scaled)
        if rows.bin.shape[-1]:
            first = (self.n_bins * experts).to(rows.bin.dtype).view(-1, 1, 1)
            bins, position = (rows.bin + first).flatten(0, 1), rows.position.flatten(0, 1)
            by_row = outputs.view(-1, outputs.shape[-1])
            by_row += F.embedding_bag(bins, self.start, mode="sum")
            by_row += F.embedding_bag(bins, self.rise, mode="sum", per_sample_weights=position)
        return outputs


def _widened(x: Tensor) -> Tensor:
    """Fill up the last dimension to a multiple of what a processor adds at a time."""
    return F.pad(x, (0, -x.shape[-1] % LANES)).contiguous()


class FoldedBlock:
    """Norms and Mamba blocks over one token, with the residual: `(n, b, d)` -> `(n, b, d)`."""

    def __init__(self, weights: Named, gain: Tensor, eps: float) -> None:
        self.eps, self.d_state = eps, weights["A_log"].shape[-1]
        self.dt_rank = weights["dt_proj.weight"].shape[-1]
        last_tap = weights["conv1d.weight"][..., 0, -1]  # (M, E)
        taps = torch.cat([last_tap, torch.ones_like(last_tap)], dim=1)  # (M, 2E): the gate is not convolved
        self.own = Weights(
            torch.cat([weights["conv1d.bias"], torch.zeros_like(last_tap)], dim=1).unsqueeze(1),
            (weights["in_proj.weight"] * gain.unsqueeze(1) * taps.unsqueeze(2)).mT,  # (M, d, 2E)
            weights["x_proj.weight"].mT,
            weights["dt_proj.bias"].unsqueeze(1),
            weights["dt_proj.weight"].mT,
            weights["D"].unsqueeze(1),
            weights["out_proj.weight"].mT,
        )

    def __call__(self, token: Tensor, experts: Tensor) -> Tensor:
        """Add what the block says: `C . B delta u + D u` is all that is left of the scan (see `selective_scan`)."""
        into_bias, into, x_proj, dt_bias, dt_proj, D, out_proj = self.own.of(experts)
        both = torch.baddbmm(into_bias, _normalised(token, self.eps), into)
        u, gate = F.silu(both, inplace=True).chunk(2, dim=-1)  # (n, b, E) each
        dt, B, C = (u @ x_proj).split([self.dt_rank, self.d_state, self.d_state], dim=-1)
        delta = F.softplus(torch.baddbmm(dt_bias, dt, dt_proj))  # (n, b, E)
        y = torch.addcmul(D, delta, (B * C).sum(-1, keepdim=True)).mul_(u).mul_(gate)
        return torch.baddbmm(token, y, out_proj)


def _normalised(token: Tensor, eps: float) -> Tensor:
    """Root-mean-square normalisation, whose gain is in the projection behind it."""
    return token * torch.rsqrt(token.square().mean(-1, keepdim=True) + eps)


def _below(weights: Named, prefix: str) -> Named:
    return {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}


class PlainDetectors:
    """Detectors that cannot be folded as they are, in double precision: rounding then hardly depends on other rows."""

    def __init__(self, detector: MambaDetector, weights: Named) -> None:
        self.encoding, self.net = copy.deepcopy(detector.encoding).double(), copy.deepcopy(detector.net).to("meta")
        self.weights = {name: value.double() for name, value in weights.items()}
        buffers = dict(detector.net.named_buffers())
        self.buffers = {name: x.double() if x.is_floating_point() else x for name, x in buffers.items()}
        self.n_weights = sum(value[0].numel() for value in weights.values())
        n_tokens = detector.encoding.n_features if detector.config.several_tokens else 1
        self.rows_at_once = max(MULTIPLE, ROWS_AT_ONCE // (FEWER * n_tokens))

    def __call__(self, rows: LocatedRows, experts: Tensor) -> Tensor:
        """Probabilities of blocks of rows by an expert each, `(n,)` -> `(n, b)`."""
        weights = {name: value[experts] for name, value in self.weights.items()}
        net = copy.deepcopy(self.net)  # which gets these weights for the time, while other threads compute with theirs
        return torch.sigmoid(functional_call(net, weights | self.buffers, (self.encoding(rows.x.double()),)))
