"""Rows as networks like them, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Standardisation:
    """Columns less their mean, over their standard deviation; a constant column comes back as what it was.

    Attributes
    ----------
    mean : of each column, `(P,)`
    deviation : of each column, `(P,)`, zero where it is constant
    """

    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def fit(cls, rows: np.ndarray) -> Standardisation:
        """Learn from rows `(N, P)`."""
        constant = (rows == rows[0]).all(axis=0)
        mean = np.where(constant, rows[0], rows.mean(axis=0))  # a mean of equal numbers is rounded
        return cls(mean, np.where(constant, 0.0, rows.std(axis=0)))

    def apply(self, rows: np.ndarray, device: torch.device) -> Tensor:
        """Rows `(N, P)` -> standardised rows `(N, P)`, float32."""
        scale = np.where(self.deviation > 0, self.deviation, 1.0)
        return torch.as_tensor((rows - self.mean) / scale, dtype=torch.float32, device=device)

    def undo(self, rows: Tensor) -> np.ndarray:
        """Standardised rows `(N, P)` -> rows `(N, P)`, float64."""
        return rows.detach().double().cpu().numpy() * self.deviation + self.mean


def generator_of(rng: np.random.Generator, device: torch.device) -> torch.Generator:
    """A torch generator on `device`, seeded by the next number of `rng`."""
    return torch.Generator(device).manual_seed(int(rng.integers(2**62)))
