"""Who has how much to say, by what each says of rows that it has not learnt from (Wolpert, 1992)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from sklearn.metrics import roc_auc_score

from swift_hydra_kedro.config import AdditiveConfig
from swift_hydra_kedro.models.calibration import OutOfBag

SHARES = np.linspace(0, 0.8, 17)  # the blocks always have a say


@dataclass(frozen=True)
class Opinions:
    """What each of C networks says of training rows, and which of these it has not drawn.

    `probability (C, S)`, `not_drawn (C, S)` a mask; the rows' labels `y (S,)` and `weight (S,)`, the number of training
    rows that each stands for.
    """

    probability: np.ndarray
    not_drawn: np.ndarray
    y: np.ndarray
    weight: np.ndarray

    def mean(self, weight_of_network: np.ndarray, blind: np.ndarray | None = None) -> OutOfBag:
        """Weighted mean over the networks that had not drawn a row; rows that all have drawn are left out.

        `blind (C,)` is a mask of the networks that do not see what neighbours say.
        """
        probability = self._mean(weight_of_network)
        known = ~np.isnan(probability)
        of_blind = None if blind is None else self._mean(weight_of_network * blind)[known]
        return OutOfBag(probability[known], self.y[known], self.weight[known], of_blind)

    def _mean(self, weight_of_network: np.ndarray) -> np.ndarray:
        """Weighted mean over the networks that had not drawn a row, `(S,)`; NaN where there is none."""
        weight = weight_of_network[:, None] * self.not_drawn  # (C, S)
        total = weight.sum(0)
        summed = (weight * self.probability).sum(0)
        return np.divide(summed, total, out=np.full(len(total), np.nan), where=total > 0)

    def joined(self, other: Opinions, share: float) -> Opinions:
        """`1 - share` of these and `share` of the other's, of the same rows."""
        return replace(self, probability=(1 - share) * self.probability + share * other.probability)


def additive_share(deep: OutOfBag, additive: OutOfBag, config: AdditiveConfig) -> float:
    """Share `s` under which `(1 - s) deep + s additive` ranks best, by AUC-ROC, of those in `SHARES`.

    A share that is not the expected one has to be better by `config.caution (s - config.share)^2 / sqrt(n)` times what
    the expected one leaves to be gained, `n` the number of rows of the rarer class, as so much may be luck. Without
    rows of both classes it is the expected one.
    """
    n_rare = _n_rare(deep.y)
    if n_rare == 0:
        return config.share

    def auc_roc(share: float) -> float:
        joined = (1 - share) * deep.probability + share * additive.probability
        return float(roc_auc_score(deep.y, joined, sample_weight=deep.weight))

    unit = config.caution * (1 - auc_roc(config.share)) / np.sqrt(n_rare)
    shares = [config.share, *map(float, SHARES)]
    return max(shares, key=lambda share: auc_roc(share) - unit * (share - config.share) ** 2)


def network_weights(opinions: Opinions, selectivity: float) -> np.ndarray:
    """What each network weighs in the mean of all, `(C,)`, summing to 1.

    A weight is in proportion to `exp(selectivity sqrt(n) A)`, with `A` the network's AUC-ROC on rows that it has not
    drawn and `n` the number of rows of the rarer class: the fewer there are, the more alike the weights. A network
    without an `A`, as all rows of a class are in its sample, counts as an average one.
    """
    auc_roc = np.array([_auc_roc(opinions, network) for network in range(len(opinions.probability))])
    known = ~np.isnan(auc_roc)
    if not known.any():
        return np.full(len(auc_roc), 1 / len(auc_roc))
    auc_roc[~known] = auc_roc[known].mean()
    weight = np.exp(selectivity * np.sqrt(_n_rare(opinions.y)) * (auc_roc - auc_roc.max()))
    return weight / weight.sum()


def worth_of_neighbours(out_of_bag: OutOfBag) -> float:
    """What AUC-ROC would lose at most if only networks spoke that do not see neighbours, on rows that none has drawn.

    That is the mean over anomalies of the share of normal rows that each would no longer rank below it, and two
    standard errors of that mean. Infinite without rows of both classes.
    """
    if out_of_bag.blind is None:
        return float("inf")
    known = ~np.isnan(out_of_bag.blind)
    y, weight = out_of_bag.y[known], out_of_bag.weight[known]
    if _n_rare(y) == 0:
        return float("inf")
    everyone, blind = (_placements(said[known], y, weight) for said in (out_of_bag.probability, out_of_bag.blind))
    loss = everyone - blind  # (anomalies,)
    return float(loss.mean() + 2 * loss.std() / np.sqrt(len(loss)))


def _placements(probability: np.ndarray, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Share of the normal rows, by weight, that each anomaly ranks above, ties counted half: their mean is AUC-ROC."""
    normal, anomalous = probability[y == 0], probability[y == 1]
    order = normal.argsort()
    total = np.append(0, weight[y == 0][order].cumsum())
    below, not_above = (total[np.searchsorted(normal[order], anomalous, side)] for side in ("left", "right"))
    return (below + not_above) / (2 * total[-1])


def _auc_roc(opinions: Opinions, network: int) -> float:
    rows = opinions.not_drawn[network]
    if _n_rare(opinions.y[rows]) == 0:
        return float("nan")
    y, probability, weight = (array[rows] for array in (opinions.y, opinions.probability[network], opinions.weight))
    return float(roc_auc_score(y, probability, sample_weight=weight))


def _n_rare(y: np.ndarray) -> int:
    """Number of rows of the rarer class."""
    return min(int((y == label).sum()) for label in (0, 1))
