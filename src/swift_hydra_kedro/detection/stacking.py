"""How much the additive path counts, by what both say of rows that the experts have not drawn (Wolpert, 1992)."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import roc_auc_score

from swift_hydra_kedro.config import AdditiveConfig
from swift_hydra_kedro.models.calibration import OutOfBag

SHARES = np.linspace(0, 0.8, 17)  # the blocks always have a say


def additive_share(deep: OutOfBag, additive: OutOfBag, config: AdditiveConfig) -> float:
    """Share `s` under which `(1 - s) deep + s additive` ranks best, by AUC-ROC, of those in `SHARES`.

    A share that is not the expected one has to be better by `config.caution (s - config.share)^2` over the number of
    rows of the rarer class, as so much may be luck. Without rows of both classes it is the expected one.
    """
    n_rare = min(int((deep.y == label).sum()) for label in (0, 1))
    if n_rare == 0:
        return config.share
    gains = [
        roc_auc_score(deep.y, (1 - share) * deep.probability + share * additive.probability, sample_weight=deep.weight)
        - config.caution * (share - config.share) ** 2 / n_rare
        for share in SHARES
    ]
    return float(SHARES[np.argmax(gains)])
