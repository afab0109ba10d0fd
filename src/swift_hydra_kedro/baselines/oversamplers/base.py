"""What the over-samplers written here share: which rows they get, random numbers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from imblearn.over_sampling.base import BaseOverSampler

from swift_hydra_kedro.data.resampling import ClassByClass
from swift_hydra_kedro.models.runtime import seed_of, stage_generators


class OwnOverSampler(ClassByClass, BaseOverSampler):
    """An over-sampler that makes rows of one class from its rows and all others.

    A subclass has `_make` and, for parameters beside these, a constructor that hands these on and an entry each in
    `_parameter_constraints`.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable
        As everywhere in imbalanced-learn. Each class that is to grow is the minority once, against all others.
    random_state : int, RandomState or None
        Source of all randomness; the same int gives the same bits on a CPU.
    """

    def __init__(
        self, *, sampling_strategy: Any = "auto", random_state: int | np.random.RandomState | None = None
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.random_state = random_state

    @abstractmethod
    def _make(self, minority: np.ndarray, majority: np.ndarray, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        """Make new rows of the minority, `(n_samples, P)`, `n_samples` > 0; fewer if the method's own choice is so.

        `minority (m, P)`, which may be a single row, and `majority (n, P)`, all others, are float64 and finite.
        """

    def _new_rows(self, X: np.ndarray, y: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        rng = stage_generators(seed_of(self.random_state), type(self).__name__, torch.device("cpu")).numpy
        rows = X.astype(np.float64)
        for label, n_samples in self._growing():
            made = self._make(rows[y == label], rows[y != label], n_samples, rng)
            yield made, np.full(len(made), label, dtype=y.dtype)
