"""MixBoost (Kabra et al., ICDM 2020): anomalies mixed with normal rows, both chosen where a classifier is in doubt.

Each iteration fits a classifier to the rows there are by now, and weighs each real row with the entropy of the
probability that it gets (Boost). Pairs of one real anomaly and one real normal row are drawn with these weights and
mixed in a ratio from a Beta distribution with most of its mass at either end (Mix).

The paper trains on soft labels: a mixture is anomalous by its anomaly's share. A sampler of scikit-learn's kind has
hard ones, and is asked for anomalies. So the larger share is the anomaly's, always: of mixtures drawn either way round,
these are the ones whose soft label rounds to the anomaly's. What else is decided here: the classifier is scikit-learn's
gradient boosting, of few trees, since many leave no doubt about rows that they have seen; the Beta distribution's
parameters are mixup's (Zhang et al., ICLR 2018); parents are real rows; iterations make equally many rows; and where no
row of a class is in doubt, all are equally likely.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from scipy.special import entr
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.utils._param_validation import Interval

from swift_hydra_kedro.baselines.oversamplers.base import OwnOverSampler

TREES = 30


class MixBoost(OwnOverSampler):
    """Mixtures of an anomaly, whose share is the larger, and a normal row, both drawn by a classifier's doubt.

    Parameters
    ----------
    n_iterations : int
        How often the classifier is fitted anew, to the mixtures made so far, too.
    alpha : float
        Both parameters of the Beta distribution of the ratio; below 1 most mixtures are close to a real row.
    """

    _parameter_constraints = BaseOverSampler._parameter_constraints | {
        "n_iterations": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        n_iterations: int = 5,
        alpha: float = 0.2,
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy, random_state=random_state)
        self.n_iterations = n_iterations
        self.alpha = alpha

    def _make(self, minority: np.ndarray, majority: np.ndarray, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        made = minority[:0]
        for part in np.array_split(np.arange(n_samples), min(self.n_iterations, n_samples)):
            n = len(part)
            first, second = (rng.choice(len(p), n, p=p) for p in _weights(minority, majority, made, rng))
            share = rng.beta(self.alpha, self.alpha, size=(n, 1))
            share = np.maximum(share, 1 - share)  # the anomaly's
            made = np.concatenate([made, share * minority[first] + (1 - share) * majority[second]])
        return made


def _weights(
    minority: np.ndarray, majority: np.ndarray, made: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Weights of real rows, `(m,)` and `(n,)`, by a classifier of these and of what was made."""
    rows = np.concatenate([minority, made, majority])
    is_minority = np.arange(len(rows)) < len(minority) + len(made)
    # its early stopping would set rows of both classes aside, and there may be one of a class
    classifier = HistGradientBoostingClassifier(
        max_iter=TREES, early_stopping=False, random_state=int(rng.integers(2**31))
    )
    classifier.fit(rows, is_minority)
    return doubt(classifier.predict_proba(minority)[:, 1]), doubt(classifier.predict_proba(majority)[:, 1])


def doubt(probability: np.ndarray) -> np.ndarray:
    """Entropy of each row's two classes, as shares of the sum over rows; `(N,)` -> `(N,)`."""
    entropy = entr(probability) + entr(1 - probability)
    total = entropy.sum()
    return entropy / total if total > 0 else np.full(len(entropy), 1 / len(entropy))
