"""The losses among ADGym's design choices: of scores `(B,)` and labels `(B,)`, 1 = anomaly, which mixup mixes.

`minus` and `inverse` are of distances: `softplus(score)`, which is above nought and rises with the score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch.nn.functional as F
from torch import Tensor

MARGIN = 5.0  # of Pang et al., KDD 2019
TARGET = 4.0  # of an anomaly in a pair: Pang et al., KDD 2023
FOCUS = 2.0  # of Lin et al., ICCV 2017
FLOOR = 1e-3


def bce(score: Tensor, y: Tensor) -> Tensor:
    """Binary cross-entropy."""
    return F.binary_cross_entropy_with_logits(score, y)


def focal(score: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy that passes over what is already told apart (Lin et al., ICCV 2017)."""
    missed = (y - score.sigmoid()).abs()
    return (missed**FOCUS * F.binary_cross_entropy_with_logits(score, y, reduction="none")).mean()


def minus(score: Tensor, y: Tensor) -> Tensor:
    """Distances of normal rows less those of anomalies, up to a bound (Du et al., CCS 2019)."""
    distance = F.softplus(score)
    return ((1 - y) * distance - y * distance.clamp(max=MARGIN)).mean()


def inverse(score: Tensor, y: Tensor) -> Tensor:
    """Distances of normal rows and inverse ones of anomalies (Ruff et al., ICLR 2020)."""
    distance = F.softplus(score)
    return ((1 - y) * distance + y / (distance + FLOOR)).mean()


def hinge(score: Tensor, y: Tensor) -> Tensor:
    """By how much pairs of a normal row and an anomaly fall short of a margin (Pang et al., KDD 2018)."""
    weight = (1 - y).unsqueeze(1) * y  # (B, B)
    return (weight * F.relu(MARGIN + score.unsqueeze(1) - score)).sum() / weight.sum().clamp(min=1)


def deviation(score: Tensor, y: Tensor) -> Tensor:
    """Normal rows at the mean of standard normal scores, anomalies a margin above it (Pang et al., KDD 2019)."""
    return ((1 - y) * score.abs() + y * F.relu(MARGIN - score)).mean()


def ordinal(score: Tensor, y: Tensor) -> Tensor:
    """Sums over all pairs of rows, against 0, 4 or 8 by how many of both are anomalies (Pang et al., KDD 2023)."""
    excess = score - TARGET * y
    return (excess.unsqueeze(1) + excess).abs().mean()


LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    loss.__name__: loss for loss in (bce, focal, minus, inverse, hinge, deviation, ordinal)
}
