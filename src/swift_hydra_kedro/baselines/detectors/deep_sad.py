"""Deep SAD: Deep Semi-Supervised Anomaly Detection (Ruff et al., ICLR 2020).

An encoder, trained first as that of an autoencoder, maps rows close to a centre and labelled anomalies away from it.
The paper's widths are for tables of 6 to 36 features and for one of 274; the latter's are taken from 100 on. Its 50
epochs at 1e-4 and 100 at 1e-5 are few steps on a small table and many on a large one: here they are a third and two
thirds of `n_steps` on any, at ten times those rates.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from swift_hydra_kedro.baselines.detectors.base import TorchClassifier
from swift_hydra_kedro.baselines.training import minimise
from swift_hydra_kedro.models.batches import batches
from swift_hydra_kedro.models.runtime import Generators

NARROW, WIDE = (32, 16, 8), (128, 64, 32)
MANY_FEATURES = 100
ETA = 1.0
EPSILON = 1e-6
LEAST_COORDINATE = 0.1
PHASES = ((1 / 3, 1e-3), (2 / 3, 1e-4))  # share of the steps and learning rate: searching, fine-tuning
WEIGHT_DECAY = 1e-6


def sad_loss(distance: Tensor, label: Tensor) -> Tensor:
    """The objective without weight decay: squared distances from the centre and labels, `(B,)` -> `()`."""
    return torch.where(label > 0.5, ETA / (distance + EPSILON), distance).mean()


def centre_of(codes: Tensor) -> Tensor:
    """Mean of codes `(N, D)` -> `(D,)`, none of its coordinates so near zero that zero weights could reach it."""
    centre = codes.mean(0)
    return torch.where(centre < 0, centre.clamp(max=-LEAST_COORDINATE), centre.clamp(min=LEAST_COORDINATE))


def _mlp(*widths: int) -> nn.Sequential:
    """Layers without biases: with them, weights of zero could map every row to the centre."""
    layers: list[nn.Module] = [nn.Linear(widths[0], widths[1], bias=False)]
    for n_in, n_out in pairwise(widths[1:]):
        layers += [nn.BatchNorm1d(n_in, affine=False), nn.LeakyReLU(), nn.Linear(n_in, n_out, bias=False)]
    return nn.Sequential(*layers)


class DeepSAD(TorchClassifier):
    """Deep semi-supervised anomaly detection.

    Parameters
    ----------
    n_steps : int
        Steps of training, of the autoencoder and again of the encoder.
    batch_size : int
        Rows in a batch.
    device, random_state
        As in `TorchDetector`.

    Attributes
    ----------
    encoder_ : (B, P) -> (B, D)
    centre_ : (D,)
    """

    def __init__(
        self,
        *,
        n_steps: int = 1500,
        batch_size: int = 200,
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(device=device, random_state=random_state)
        self.n_steps = n_steps
        self.batch_size = batch_size

    def _train(self, x: Tensor, y: Tensor, rng: Generators) -> None:
        widths = (x.shape[1], *(WIDE if x.shape[1] >= MANY_FEATURES else NARROW))
        self.encoder_ = _mlp(*widths).to(x.device)
        autoencoder = nn.Sequential(self.encoder_, _mlp(*reversed(widths)).to(x.device))
        self._descend(autoencoder, lambda rows: nn.functional.mse_loss(autoencoder(x[rows]), x[rows]), y, rng)
        with torch.no_grad():
            self.centre_ = centre_of(self.encoder_(x[y <= 0.5]))
        self._descend(self.encoder_, lambda rows: sad_loss(self._distance(x[rows]), y[rows]), y, rng)

    def _descend(self, network: nn.Module, loss: Callable[[Tensor], Tensor], y: Tensor, rng: Generators) -> None:
        network.train()
        for share, rate in PHASES:
            steps = batches(y, round(share * self.n_steps), self.batch_size, balanced=False, generator=rng.torch)
            minimise(map(loss, steps), torch.optim.Adam(network.parameters(), lr=rate, weight_decay=WEIGHT_DECAY))
        network.eval()

    def _distance(self, x: Tensor) -> Tensor:
        """Squared distance of rows from the centre, `(B, P)` -> `(B,)`."""
        return (self.encoder_(x) - self.centre_).square().sum(1)

    def _score(self, x: Tensor) -> Tensor:
        return self._distance(x).sqrt()
