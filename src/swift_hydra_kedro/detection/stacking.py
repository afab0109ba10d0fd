"""How much the additive path counts, by what both say of rows that the experts have not drawn (Wolpert, 1992)."""

from __future__ import annotations

import numpy as np

from swift_hydra_kedro.config import AdditiveConfig
from swift_hydra_kedro.models.calibration import OutOfBag

ITERATIONS = 200
EPSILON = 1e-6


def additive_share(deep: OutOfBag, additive: OutOfBag, config: AdditiveConfig) -> float:
    """Share `s` under which `(1 - s) deep + s additive` makes the labels likeliest, by expectation maximisation.

    Both classes weigh as much as the rarer one. The share's prior is worth `config.share_rows` further rows, so that
    without any rows the share is `config.share`.
    """
    y, weight = deep.y.astype(int), deep.weight
    count = np.bincount(y, weight, minlength=2)
    balanced = weight * (count.min() / count.clip(EPSILON))[y]
    likelihoods = [np.where(y == 1, path.probability, 1 - path.probability) for path in (deep, additive)]
    first, second = (likelihood.clip(EPSILON) for likelihood in likelihoods)
    share = config.share
    for _ in range(ITERATIONS):
        responsibility = share * second / ((1 - share) * first + share * second)
        total = balanced @ responsibility + config.share_rows * config.share
        share = float(total / (balanced.sum() + config.share_rows))
    return share
