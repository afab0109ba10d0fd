"""FEAWAD: Feature Encoding with AutoEncoders for Weakly-supervised Anomaly Detection (Zhou et al., TNNLS 2021).

An autoencoder of unlabelled rows describes a row by its code, and by direction and length of what it fails to rebuild;
from these a second network scores it. Both are then trained together, so that unlabelled rows have scores and residuals
near zero, and anomalies both of at least five. Steps and rows in a batch are of our choice.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from swift_hydra_kedro.baselines.detectors.base import TorchClassifier
from swift_hydra_kedro.baselines.training import minimise
from swift_hydra_kedro.models.batches import batches, draw
from swift_hydra_kedro.models.runtime import Generators

ENCODER = (128, 64)
SCORER = (256, 32)
MARGIN = 5.0
LEARNING_RATE = 1e-4


def margin_loss(score: Tensor, error: Tensor, label: Tensor) -> Tensor:
    """The joint loss, averaged: scores, lengths of residuals and labels, `(B,)` -> `()`."""
    unlabelled = score.abs() + error
    anomalous = (MARGIN - score).clamp(min=0) + (MARGIN - error).clamp(min=0)
    return ((1 - label) * unlabelled + label * anomalous).mean()


class FeatureEncoder(nn.Module):
    """Autoencoder that describes a row by its code, the direction of its residual, and the residual's length.

    Shape: `(B, P)` -> `(B, 64)`, `(B, P)`, `(B, 1)`.
    """

    def __init__(self, n_features: int) -> None:
        super().__init__()
        wide, narrow = ENCODER
        self.encoder = nn.Sequential(nn.Linear(n_features, wide), nn.ReLU(), nn.Linear(wide, narrow), nn.ReLU())
        self.decoder = nn.Sequential(nn.Linear(narrow, wide), nn.ReLU(), nn.Linear(wide, n_features))

    def rebuild(self, x: Tensor) -> Tensor:
        """Autoencode rows, `(B, P)` -> `(B, P)`."""
        return self.decoder(self.encoder(x))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Describe rows."""
        code = self.encoder(x)
        residual = x - self.decoder(code)
        error = torch.linalg.vector_norm(residual, dim=1, keepdim=True)
        return code, nn.functional.normalize(residual, dim=1), error


class ScoreGenerator(nn.Module):
    """Perceptron with one more input to each of its layers: the length of the residual.

    Shape: `(B, n_in)`, `(B, 1)` -> `(B,)`.
    """

    def __init__(self, n_in: int) -> None:
        super().__init__()
        widths = (n_in, *SCORER, 1)
        self.layers = nn.ModuleList(nn.Linear(a + 1, b) for a, b in pairwise(widths))

    def forward(self, x: Tensor, error: Tensor) -> Tensor:
        """Score descriptions of rows."""
        for layer in self.layers[:-1]:
            x = layer(torch.cat([x, error], dim=1)).relu()
        return self.layers[-1](torch.cat([x, error], dim=1)).squeeze(-1)


class FEAWAD(TorchClassifier):
    """Feature encoder and score generator.

    Parameters
    ----------
    n_steps : int
        Steps of training, of the autoencoder and again of both networks together.
    batch_size : int
        Rows in a batch; in the latter steps, half of them anomalies.
    device, random_state
        As in `TorchDetector`.

    Attributes
    ----------
    encoder_, scorer_ : the networks
    """

    def __init__(
        self,
        *,
        n_steps: int = 600,
        batch_size: int = 256,
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(device=device, random_state=random_state)
        self.n_steps = n_steps
        self.batch_size = batch_size

    def _train(self, x: Tensor, y: Tensor, rng: Generators) -> None:
        encoder = self.encoder_ = FeatureEncoder(x.shape[1]).to(x.device)
        scorer = self.scorer_ = ScoreGenerator(ENCODER[-1] + x.shape[1]).to(x.device)
        unlabelled = (y <= 0.5).nonzero().flatten()

        steps = draw(unlabelled, (self.n_steps, self.batch_size), rng.torch)
        optimiser = torch.optim.Adam(encoder.parameters(), lr=LEARNING_RATE)
        minimise((nn.functional.mse_loss(encoder.rebuild(x[rows]), x[rows]) for rows in steps), optimiser)

        steps = batches(y, self.n_steps, self.batch_size, balanced=True, generator=rng.torch)
        optimiser = torch.optim.Adam([*encoder.parameters(), *scorer.parameters()], lr=LEARNING_RATE)
        minimise((margin_loss(*self._score_and_error(x[rows]), y[rows]) for rows in steps), optimiser)

    def _score_and_error(self, x: Tensor) -> tuple[Tensor, Tensor]:
        code, direction, error = self.encoder_(x)
        return self.scorer_(torch.cat([code, direction], dim=1), error), error.squeeze(-1)

    def _score(self, x: Tensor) -> Tensor:
        return self._score_and_error(x)[0]
