"""PReNet: Deep Weakly-supervised Anomaly Detection (Pang et al., KDD 2023).

A network sees pairs of rows and predicts their relation: two anomalies, an anomaly and an unlabelled row, or two
unlabelled rows. A row's score is its mean prediction in pairs with some of either kind. They are drawn once, in
training, so that the score of a row does not change from call to call. Decay of RMSprop's averages, on which the paper
is silent: 0.9.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from swift_hydra_kedro.baselines.detectors.base import TorchClassifier
from swift_hydra_kedro.baselines.training import minimise
from swift_hydra_kedro.models.batches import draw
from swift_hydra_kedro.models.runtime import Generators

HIDDEN = 20
TWO_ANOMALIES, ONE_ANOMALY, NO_ANOMALY = 8.0, 4.0, 0.0
N_PARTNERS = 30
L2 = 0.01
LEARNING_RATE = 1e-3


def draw_pairs(label: Tensor, n_steps: int, batch_size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Pairs of each step, row numbers `(n_steps, batch_size, 2)`, and their targets `(batch_size,)`.

    A quarter are two anomalies, a quarter an anomaly and an unlabelled row in this order, the rest unlabelled rows.
    """
    anomalies, unlabelled = (label > 0.5).nonzero().flatten(), (label <= 0.5).nonzero().flatten()
    quarter, rest = batch_size // 4, batch_size - 2 * (batch_size // 4)
    first = [draw(anomalies, (n_steps, 2 * quarter), generator), draw(unlabelled, (n_steps, rest), generator)]
    second = [draw(anomalies, (n_steps, quarter), generator), draw(unlabelled, (n_steps, quarter + rest), generator)]
    target = torch.tensor([TWO_ANOMALIES, ONE_ANOMALY, NO_ANOMALY], device=label.device)
    counts = torch.tensor([quarter, quarter, rest], device=label.device)
    return torch.stack([torch.cat(first, 1), torch.cat(second, 1)], dim=-1), target.repeat_interleave(counts)


class PReNet(TorchClassifier):
    """Pairwise relation prediction network.

    Parameters
    ----------
    n_steps : int
        Steps of training; the paper's 50 epochs of 20 batches.
    batch_size : int
        Pairs in a batch.
    device, random_state
        As in `TorchDetector`.

    Attributes
    ----------
    features_ : (B, P) -> (B, HIDDEN), of one row
    relation_ : (B, 2 HIDDEN) -> (B, 1), the relation predicted from the features of two
    partners_ : (2, HIDDEN), mean features of the anomalies and of the unlabelled rows that scored rows are paired with
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
        self.features_ = nn.Sequential(hidden, nn.ReLU()).to(x.device)
        self.relation_ = nn.Linear(2 * HIDDEN, 1).to(x.device)
        pairs, target = draw_pairs(y, self.n_steps, self.batch_size, rng.torch)

        def loss(pair: Tensor) -> Tensor:
            features = self.features_(x[pair])  # (B, 2, HIDDEN)
            predicted = self.relation_(features.flatten(1)).squeeze(-1)  # (B,)
            return nn.functional.l1_loss(predicted, target) + L2 * hidden.weight.square().sum()

        parameters = [*self.features_.parameters(), *self.relation_.parameters()]
        minimise(map(loss, pairs), torch.optim.RMSprop(parameters, lr=LEARNING_RATE, alpha=0.9))
        partners = [draw((y == kind).nonzero().flatten(), (N_PARTNERS,), rng.torch) for kind in (1, 0)]
        with torch.no_grad():
            self.partners_ = self.features_(x[torch.stack(partners)]).mean(1)

    def _score(self, x: Tensor) -> Tensor:
        features = self.features_(x)  # (B, HIDDEN)
        anomalous, unlabelled = (mean.expand_as(features) for mean in self.partners_)
        pairs = torch.stack([torch.cat([anomalous, features], 1), torch.cat([features, unlabelled], 1)])
        return self.relation_(pairs).mean(0).squeeze(-1)  # it is linear: of mean features, the mean over partners
