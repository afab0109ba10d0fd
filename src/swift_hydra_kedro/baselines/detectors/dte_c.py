"""DTE-C, diffusion time estimation by a classifier (Livernoche et al., ICLR 2024, section 4).

Normal rows are diffused, `x_t = x + sigma_t eps`, by a time drawn evenly; a network tells from `x_t` in which of a few
equal bins the time lies. Rows off the normal ones look diffused for long: the expected bin is the score.

Layer sizes, dropout, schedule, bins and Adam's settings are the paper's. The paper trains for 400 epochs however many
rows there are, hours for hundreds of thousands on a CPU; here training ends after `max_steps` batches at the latest,
which 1,600 rows reach.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from swift_hydra_kedro.baselines.detectors.base import OneClassTorchDetector
from swift_hydra_kedro.baselines.training import descend
from swift_hydra_kedro.models.batches import batches
from swift_hydra_kedro.models.runtime import Generators

FIRST_BETA, LAST_BETA = 1e-4, 0.01


def noise_levels(n_times: int) -> Tensor:
    """Standard deviation of the noise at each time, `(T,)`: `sigma_t^2 = 1 - prod_{s <= t} (1 - beta_s)`."""
    beta = torch.linspace(FIRST_BETA, LAST_BETA, n_times, dtype=torch.float64)
    return (1 - (1 - beta).cumprod(0)).sqrt().float()


class DiffusionTimeClassifier(OneClassTorchDetector):
    """A network that tells from a row for how long it was diffused.

    Parameters
    ----------
    n_times, n_bins : steps of the diffusion, and how many bins they are split into
    hidden : widths of the hidden layers
    dropout : share of hidden units left out in training
    epochs, max_steps : training passes over the rows, and how many batches they hold at most
    batch_size, learning_rate, weight_decay : of Adam's steps
    device, random_state : see `TorchDetector`

    Attributes
    ----------
    network_ : rows `(B, P)` -> logits of the bins `(B, n_bins)`
    """

    def __init__(
        self,
        *,
        n_times: int = 400,
        n_bins: int = 7,
        hidden: tuple[int, ...] = (256, 512, 256),
        dropout: float = 0.5,
        epochs: int = 400,
        max_steps: int = 10_000,
        batch_size: int = 64,
        learning_rate: float = 1e-4,
        weight_decay: float = 5e-4,
        device: str = "auto",
        random_state: int | None = None,
    ) -> None:
        super().__init__(device=device, random_state=random_state)
        self.n_times = n_times
        self.n_bins = n_bins
        self.hidden = hidden
        self.dropout = dropout
        self.epochs = epochs
        self.max_steps = max_steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay

    def _train(self, x: Tensor, y: Tensor, rng: Generators) -> None:
        sigma = noise_levels(self.n_times).to(x.device)  # (T,)
        self.network_ = self._network(x.shape[1]).to(x.device).train()
        optimiser = torch.optim.Adam(
            self.network_.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay, fused=True
        )
        n_steps = min(self.max_steps, self.epochs * math.ceil(len(x) / self.batch_size))
        for rows in batches(y, n_steps, self.batch_size, balanced=False, generator=rng.torch):
            time = torch.randint(self.n_times, rows.shape, generator=rng.torch, device=x.device)  # (B,)
            noise = torch.randn(len(rows), x.shape[1], generator=rng.torch, device=x.device)  # (B, P)
            logits = self.network_(x[rows] + sigma[time, None] * noise)
            loss = F.cross_entropy(logits, time * self.n_bins // self.n_times)
            descend(loss, optimiser)
        self.network_.eval()

    def _score(self, x: Tensor) -> Tensor:
        bins = torch.arange(self.n_bins, device=x.device, dtype=x.dtype)
        return self.network_(x).softmax(1) @ bins

    def _network(self, n_features: int) -> nn.Sequential:
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise((n_features, *self.hidden)):
            layers += [nn.Linear(n_in, n_out), nn.ReLU(), nn.Dropout(self.dropout)]
        return nn.Sequential(*layers, nn.Linear(self.hidden[-1], self.n_bins))
