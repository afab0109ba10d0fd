"""SMOTE (Chawla et al., 2002) that also works where labelled anomalies are very few."""

from __future__ import annotations

import logging

import numpy as np
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.over_sampling.base import BaseOverSampler

logger = logging.getLogger(__name__)
NEIGHBOURS = 5


class FewShotSMOTE(BaseOverSampler):
    """SMOTE with as many neighbours as there are, up to five; a single anomaly is repeated instead."""

    def __init__(self, *, sampling_strategy: str | dict[int, int] = "auto", random_state: int | None = None) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.random_state = random_state

    def _fit_resample(self, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        present = {label: np.count_nonzero(y == label) for label in self.sampling_strategy_}
        wanted = {label: present[label] + more for label, more in self.sampling_strategy_.items() if more}
        if not wanted:
            return X, y
        smallest = min(present[label] for label in wanted)
        if smallest < 2:
            logger.warning("SMOTE needs two rows to interpolate between and there is one: it is repeated instead")
            sampler: BaseOverSampler = RandomOverSampler(random_state=self.random_state)
        else:
            sampler = SMOTE(k_neighbors=min(NEIGHBOURS, smallest - 1), random_state=self.random_state)
        return sampler.set_params(sampling_strategy=wanted).fit_resample(X, y)
