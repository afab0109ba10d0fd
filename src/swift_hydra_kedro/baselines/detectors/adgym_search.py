"""A search over ADGym's design choices (Jiang et al., NeurIPS 2023), by the ranking of training rows held out.

The paper chooses among the designs of its grid (table 1) by a model that has learned from other data sets which designs
suit which data. Here nothing but the training rows is at hand: designs are drawn at random and successively halved
(Jamieson and Talwalkar, AISTATS 2016), so that many are tried for a few steps and few for many. The best by AUC-PR is
trained anew on all rows. The name says so: it is a search in ADGym's space, not ADGym.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingRandomSearchCV, StratifiedKFold
from torch import Tensor

from swift_hydra_kedro.baselines.detectors.adgym_design import GRID, Design
from swift_hydra_kedro.baselines.detectors.base import TorchClassifier
from swift_hydra_kedro.models.runtime import Generators

FACTOR, RUNGS, FOLDS = 3, 3, 3
FEW_FEATURES = 50


def grid(n_features: int) -> dict[str, Sequence[object]]:
    """The grid for so many features: a transformer's cost grows with their square, and wide tables do without."""
    if n_features <= FEW_FEATURES:
        return GRID
    return GRID | {"architecture": tuple(name for name in GRID["architecture"] if name != "ft_transformer")}


class ADGymSearch(TorchClassifier):
    """The best of some designs, by a third of the training rows.

    All designs are trained for a ninth of `max_steps`, the better third of them for a third, the best ninth for all.
    With a single anomaly there is none to hold out: the design is then that of `Design`'s defaults.

    Parameters
    ----------
    n_candidates : designs that are drawn
    max_steps : optimiser steps of a design at most; the whole costs about `max_steps * (n_candidates / 3 + 1)`
    device, random_state : see `TorchDetector`

    Attributes
    ----------
    best_ : the chosen `Design`, trained on all rows
    results_ : scikit-learn's `cv_results_`, of all that were tried; empty after a single anomaly
    """

    def __init__(
        self,
        *,
        n_candidates: int = 18,
        max_steps: int = 540,
        device: str = "auto",
        random_state: int | None = None,
    ) -> None:
        super().__init__(device=device, random_state=random_state)
        self.n_candidates = n_candidates
        self.max_steps = max_steps

    def _train(self, x: Tensor, y: Tensor, rng: Generators) -> None:
        rows, label = x.cpu().numpy(), y.cpu().numpy().astype(int)
        seed = int(rng.numpy.integers(2**31))
        design = Design(max_steps=self.max_steps, device=self.device, random_state=seed)
        rarest = np.bincount(label).min()
        if rarest < 2:
            self.results_: dict[str, np.ndarray] = {}
            self.best_ = design.fit(rows, label)
            return
        folds = StratifiedKFold(min(FOLDS, rarest), shuffle=True, random_state=seed)
        search = HalvingRandomSearchCV(
            design,
            grid(x.shape[1]),
            n_candidates=self.n_candidates,
            factor=FACTOR,
            resource="max_steps",
            min_resources=max(1, self.max_steps // FACTOR ** (RUNGS - 1)),
            max_resources=self.max_steps,
            cv=[next(folds.split(rows, label))],
            scoring="average_precision",
            error_score="raise",
            random_state=seed,
        ).fit(rows, label)
        self.results_, self.best_ = search.cv_results_, search.best_estimator_

    def _score(self, x: Tensor) -> Tensor:
        return self.best_._score(x)
