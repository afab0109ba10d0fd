"""DevNet: Deep Anomaly Detection with Deviation Networks (Pang, Shen and van den Hengel, KDD 2019).

A network scores rows so that unlabelled ones lie at the mean of a Gaussian prior over scores, and labelled anomalies at
least five of its standard deviations above. Decay of RMSprop's averages, on which the paper is silent: 0.9.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from swift_hydra_kedro.baselines.detectors.base import TorchClassifier
from swift_hydra_kedro.baselines.training import minimise
from swift_hydra_kedro.models.batches import batches
from swift_hydra_kedro.models.runtime import Generators

HIDDEN = 20
MARGIN = 5.0
N_REFERENCE = 5000
L2 = 0.01
LEARNING_RATE = 1e-3


def deviation_loss(score: Tensor, label: Tensor, reference: Tensor) -> Tensor:
    """Equations 6 and 7, averaged: scores and labels `(B,)`, scores drawn from the prior `(N_REFERENCE,)` -> `()`."""
    deviation = (score - reference.mean()) / reference.std()  # (B,)
    return ((1 - label) * deviation.abs() + label * (MARGIN - deviation).clamp(min=0)).mean()


class DevNet(TorchClassifier):
    """Deviation network with one hidden layer.

    Parameters
    ----------
    n_steps : int
        Steps of training; the paper's 50 epochs of 20 batches.
    batch_size : int
        Rows in a batch, half of them anomalies.
    device, random_state
        As in `TorchDetector`.

    Attributes
    ----------
    network_ : (B, P) -> (B, 1), the score
    """

    def __init__(
        self,
        *,
        n_steps: int = 1000,
        batch_size: int = 512,
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(device=device, random_state=random_state)
        self.n_steps = n_steps
        self.batch_size = batch_size

    def _train(self, x: Tensor, y: Tensor, rng: Generators) -> None:
        hidden = nn.Linear(x.shape[1], HIDDEN)
        self.network_ = nn.Sequential(hidden, nn.ReLU(), nn.Linear(HIDDEN, 1)).to(x.device)

        def loss(rows: Tensor) -> Tensor:
            reference = torch.randn(N_REFERENCE, generator=rng.torch, device=x.device)
            return deviation_loss(self._score(x[rows]), y[rows], reference) + L2 * hidden.weight.square().sum()

        steps = batches(y, self.n_steps, self.batch_size, balanced=True, generator=rng.torch)  # (n_steps, batch_size)
        optimiser = torch.optim.RMSprop(self.network_.parameters(), lr=LEARNING_RATE, alpha=0.9)
        minimise(map(loss, steps), optimiser)

    def _score(self, x: Tensor) -> Tensor:
        return self.network_(x).squeeze(-1)
