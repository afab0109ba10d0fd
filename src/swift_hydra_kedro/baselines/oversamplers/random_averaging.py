"""The simplest over-sampler that MixAnN (Lai et al., CIKM 2023, section 4.1) is compared with."""

from __future__ import annotations

import logging

import numpy as np

from swift_hydra_kedro.baselines.oversamplers.base import OwnOverSampler

logger = logging.getLogger(__name__)


class RandomAveraging(OwnOverSampler):
    """Each new anomaly is the mean of two anomalies drawn at random; a single one is repeated instead."""

    def _make(self, minority: np.ndarray, majority: np.ndarray, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        n = len(minority)
        if n == 1:
            logger.warning("there is one row, and no other to average it with: it is repeated instead")
            return np.repeat(minority, n_samples, axis=0)
        first = rng.integers(n, size=n_samples)
        second = (first + rng.integers(1, n, size=n_samples)) % n
        return (minority[first] + minority[second]) / 2  # (n_samples, P)
