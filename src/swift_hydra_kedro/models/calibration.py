"""Probabilities one can act on: Platt's sigmoid, fitted to rows that the experts had not seen.

Training batches hold as many anomalies as normal rows, so that the probabilities learnt from them are far too
high for tables where anomalies are rare. The map is increasing: it changes no ranking.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import logit
from torch import Tensor, nn

MIN_SLOPE = 0.05
SLOPE_SPREAD = 0.5  # standard deviation of the prior on the slope, around 1
EPSILON = 1e-6


@dataclass(frozen=True)
class OutOfBag:
    """Training rows with the mean probability of the experts that had not drawn them.

    `probability (C,)`, labels `y (C,)`, `weight (C,)`, the number of training rows that each stands for, and, if asked
    for, `blind (C,)`, what those alone say that see no neighbours, NaN where all of these have drawn a row.
    """

    probability: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    blind: np.ndarray | None = None


class Calibration(nn.Module):
    """`sigmoid(slope * logit(p) + intercept)`. Shape: probabilities `(B,)` -> `(B,)`."""

    slope: Tensor
    intercept: Tensor

    def __init__(self, slope: float = 1.0, intercept: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("slope", torch.tensor(slope))
        self.register_buffer("intercept", torch.tensor(intercept))

    def forward(self, probability: Tensor) -> Tensor:
        """Calibrate."""
        limits = torch.finfo(probability.dtype)
        return torch.sigmoid(self.slope * probability.clamp(limits.tiny, 1 - limits.eps).logit() + self.intercept)

    def applied_to(self, rows: OutOfBag) -> OutOfBag:
        """Calibrate what the experts say of rows that they had not drawn."""
        probability = torch.as_tensor(rows.probability, device=self.slope.device)
        return replace(rows, probability=self(probability).cpu().numpy())

    @classmethod
    def fit(cls, rows: OutOfBag, anomaly_share: float) -> Calibration:
        """Fit slope and intercept by penalised maximum likelihood.

        The slope's prior is a normal distribution around 1, and targets are Platt's (1999), a little inside 0 and 1,
        so that a handful of anomalies without an error is not taken for certainty. Where a class has no rows, only
        the intercept is set, to correct from the even classes of training to `anomaly_share`.
        """
        if len(np.unique(rows.y)) < 2:
            return cls(1.0, float(logit(anomaly_share)))
        z = logit(rows.probability.clip(EPSILON, 1 - EPSILON))
        n_anomalous, n_normal = (rows.weight[rows.y == label].sum() for label in (1, 0))
        target = np.where(rows.y == 1, (n_anomalous + 1) / (n_anomalous + 2), 1 / (n_normal + 2))

        def loss(parameters: np.ndarray) -> float:
            slope, intercept = parameters
            score = slope * z + intercept
            likelihood = rows.weight * (np.logaddexp(0, score) - target * score)
            return float(likelihood.sum() + 0.5 * ((slope - 1) / SLOPE_SPREAD) ** 2)

        start = np.array([1.0, logit(anomaly_share)])
        slope, intercept = minimize(loss, start, bounds=[(MIN_SLOPE, None), (None, None)]).x
        return cls(float(slope), float(intercept))
