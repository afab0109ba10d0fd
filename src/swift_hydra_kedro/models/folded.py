"""Detectors and mixtures as they score: the same function as in training in a fraction of the time.

Where a row is one token, the convolution sees its last tap alone and the scan starts from nothing. What is linear is
multiplied out once: gains and taps go into the projections next to them, normal scores are linear in the positions
within bins, and bins that an expert has no weight for are left out.

What the score of a row is does not depend, to the bit, on the rows scored with it (see `filled_up`) as long as experts
are no fewer and layers no narrower than 16: some processors' products of fewer columns round a row by where it stands.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call

from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.encoding import ALL_VIEWS, NORMAL, PIECEWISE, SCALED, PiecewiseLinearEncoding
from swift_hydra_kedro.models.layers import MULTIPLE, blocks_of_groups, filled_up
from swift_hydra_kedro.models.mome import MixtureOfExperts

BLOCK = 4096
Weights = dict[str, Tensor]
Score = Callable[[Tensor], Tensor]


def fold(model: MambaDetector | MixtureOfExperts) -> Score:
    """Prepare a single detector or a mixture for scoring: scaled rows `(B, P)` -> probabilities `(B,)` in float64."""
    return FoldedMixture(model) if isinstance(model, MixtureOfExperts) else fold_members(model)[0]


class FoldedMixture:
    """The gated, calibrated mean of the k experts chosen for each row (eq. 5)."""

    def __init__(self, mixture: MixtureOfExperts) -> None:
        self.mixture = mixture
        self.experts = fold_members(mixture.experts)

    def __call__(self, x: Tensor) -> Tensor:
        """Probabilities of scaled rows, `(B, P)` -> `(B,)`."""
        mixture, n_rows = self.mixture, len(x)
        described = mixture.describe(filled_up(x))  # (B, P')
        weights, chosen = mixture.gate(described)  # (B, k) each
        probability = torch.empty(chosen.numel(), dtype=torch.float64, device=x.device)
        blocks, expert_of_block = blocks_of_groups(chosen.flatten(), len(self.experts))  # of pairs of row and rank
        n_blocks = torch.bincount(expert_of_block, minlength=len(self.experts)).tolist()
        for expert, own in zip(self.experts, blocks.split(n_blocks), strict=True):
            for part in own.split(BLOCK // MULTIPLE) if len(own) else ():
                pairs = part.flatten()
                probability[pairs] = expert(described.index_select(0, pairs // mixture.gate.top_k))
        return mixture.calibration((weights * probability.view_as(weights)).sum(-1))[:n_rows]


def fold_members(detector: MambaDetector) -> list[Score]:
    """Prepare each detector of a stack, or the one there is; what cannot be folded is run as it is.

    The latter in double precision, so that rounding, which there depends on a row's company, hardly shows.
    """
    config = detector.config
    foldable = config.tokens == "record" and config.block == "mamba" and tuple(detector.encoding.views) == (*ALL_VIEWS,)
    if not foldable:
        detector = copy.deepcopy(detector).double()
    weights = {name: value.detach() for name, value in detector.net.named_parameters()}
    members = [weights]
    if detector.stack:
        members = [{name: value[i] for name, value in weights.items()} for i in range(detector.stack[0])]
    return [FoldedDetector(detector, own) if foldable else _as_it_is(detector, own) for own in members]


class FoldedDetector:
    """Mamba blocks over one token, beside the additive path if there is one."""

    def __init__(self, detector: MambaDetector, weights: Weights) -> None:
        maps = [(weights["tokens.projection.weight"], weights["tokens.projection.bias"])]  # (d, F), (d,)
        if detector.net.additive is not None:
            maps.append((weights["additive.weight"], weights["additive.bias"]))
        self.share = None if detector.net.additive is None else detector.net.additive_share
        self.inputs = FoldedInputs(detector.encoding, maps)
        self.eps = detector.net.final_norm.eps
        self.blocks = [
            FoldedBlock(_below(weights, f"blocks.{i}."), weights[f"norms.{i}.weight"], self.eps)
            for i in range(detector.config.depth)
        ]
        self.hidden = (weights["hidden.weight"] * weights["final_norm.weight"]).T
        self.hidden_bias = weights["hidden.bias"]
        self.output, self.output_bias = weights["output.weight"][0], weights["output.bias"]

    def __call__(self, x: Tensor) -> Tensor:
        """Probabilities of scaled rows, `(B, P)` -> `(B,)`."""
        n_rows, x = len(x), filled_up(x)
        token, *additive = self.inputs(x)  # (B, d), (B, 1)
        for block in self.blocks:
            token = block(token)
        hidden = torch.addmm(self.hidden_bias, _normalised(token, self.eps), self.hidden)
        logit = (F.leaky_relu(hidden) * self.output).sum(-1) + self.output_bias
        probability = torch.sigmoid(logit.double())
        if self.share is not None:
            probability = torch.lerp(probability, torch.sigmoid(additive[0][:, 0].double()), self.share.double())
        return probability[:n_rows]


class FoldedInputs:
    """The encoding and linear maps behind it, `(weight (O, F), bias (O,))` each: `(B, P)` -> `(B, O)` of each map.

    Two products are faster than one for both if the second is a single column more than the processor has lanes for.
    """

    def __init__(self, encoding: PiecewiseLinearEncoding, maps: list[tuple[Tensor, Tensor]]) -> None:
        view = encoding.view_of_output
        by_score = [weight[:, view == NORMAL] for weight, _ in maps]  # (O, Q)
        by_bin = [
            weight[:, view == PIECEWISE].unflatten(1, encoding.offset.shape) + score.unsqueeze(-1) * encoding.score_step
            for (weight, _), score in zip(maps, by_score, strict=True)
        ]  # (O, Q, T)
        used = (torch.cat(by_bin) != 0).any(dim=0).any(dim=-1)  # (Q,)
        self.binned = encoding.binned[used]
        self.offset, self.inverse_width = encoding.offset[used], encoding.inverse_width[used]
        self.scaled = [weight[:, view == SCALED].T for weight, _ in maps]  # (P, O)
        self.by_bin = [weight[:, used].flatten(1).T.contiguous() for weight in by_bin]  # (Q' T, O)
        self.bias = [bias + score @ encoding.lowest_score for (_, bias), score in zip(maps, by_score, strict=True)]

    def __call__(self, x: Tensor) -> list[Tensor]:
        """Project rows."""
        outputs = [torch.addmm(bias, x, scaled) for bias, scaled in zip(self.bias, self.scaled, strict=True)]
        if len(self.binned):
            binned = x.index_select(1, self.binned).unsqueeze(-1)
            position = torch.addcmul(self.offset, binned, self.inverse_width).clamp_(0, 1).flatten(1)  # (B, Q' T)
            for output, by_bin in zip(outputs, self.by_bin, strict=True):
                output.addmm_(position, by_bin)
        return outputs


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


def _as_it_is(detector: MambaDetector, weights: Weights) -> Score:
    return lambda x: torch.sigmoid(functional_call(detector.net, weights, (detector.encoding(x.double()),)))
