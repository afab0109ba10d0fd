"""How the deep supervised detectors are trained: AdamW on class-balanced batches, stopped by rows held out.

Their papers train for hundreds of epochs on balanced classes, with a validation part of their own. Here half of each
batch are anomalies, the steps are bounded, and a part of the training rows is the validation part.
"""

from __future__ import annotations

import copy
import logging
from abc import abstractmethod
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from swift_hydra_kedro.baselines.detectors.base import TorchClassifier
from swift_hydra_kedro.baselines.training import descend
from swift_hydra_kedro.config import TrainingConfig
from swift_hydra_kedro.models.batches import batches
from swift_hydra_kedro.models.layers import MULTIPLE
from swift_hydra_kedro.models.runtime import Generators

logger = logging.getLogger(__name__)

EPOCHS, MIN_STEPS = 50, 100
HELD_OUT_SHARE = 0.2
FEWEST_HELD_OUT, MOST_HELD_OUT = 5, 512  # of a class
EVALUATIONS, PATIENCE = 20, 5
MAX_GRADIENT_NORM = 1.0
PASS = 2**22  # numbers that a pass of training or scoring may hold in a layer, about
MIN_BATCH = 16


class SupervisedNetwork(TorchClassifier):
    """A network that says of each row with which probability it is an anomaly, as if half of all rows were.

    There are 50 epochs, but at least 100 and at most `max_steps` gradient steps. Twenty times on the way, it is tried
    on a fifth of each class (512 rows at most); the best state is kept, and after five times without a better one
    training ends. Where that fifth has fewer than 5 anomalies, it is trained on all rows for all steps. Wide tables
    have smaller batches, down to 16 rows, and not more of them: time and memory of a step are bounded.

    A subclass has `_network` and `_numbers_per_row`, and parameters of its own beside these.

    Parameters
    ----------
    max_steps : most gradient steps
    batch_size : rows of a batch, where the table has as many and is not wide
    learning_rate, weight_decay : AdamW's
    device, random_state : see `TorchDetector`

    Attributes
    ----------
    network_ : the trained network
    held_out_losses_ : balanced cross-entropy of the rows held out along the training; empty without such rows
    """

    def __init__(
        self,
        *,
        max_steps: int = 1000,
        batch_size: int = 128,
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-5,
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(device=device, random_state=random_state)
        self.max_steps = max_steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay

    @abstractmethod
    def _network(self, x: Tensor) -> nn.Module:
        """An untrained network for rows `x (N, P)`: `(B, P)` -> logits `(B, K)` or `(B, K, 1)` of K members."""

    @abstractmethod
    def _numbers_per_row(self, n_features: int) -> int:
        """How many numbers a layer holds for a row of `n_features`, about."""

    def _parameters(self) -> Iterable[Any]:
        """Parameters or groups of them, as an optimiser takes them."""
        return self.network_.parameters()

    def _train(self, x: Tensor, y: Tensor, rng: Generators) -> None:
        kept, held_out = hold_out(y, rng.torch)
        self.network_ = self._network(x[kept]).to(x.device)
        optimiser = torch.optim.AdamW(
            self._parameters(), lr=self.learning_rate, weight_decay=self.weight_decay, fused=True
        )
        index = kept[self._batches(x[kept], y[kept], rng.torch)]  # (steps, B)
        self.held_out_losses_: list[float] = []
        best = None
        for part in index.split(-(-len(index) // EVALUATIONS)):
            for rows in part:
                step(self.network_, optimiser, x[rows], y[rows])
            if not len(held_out):
                continue
            self.held_out_losses_.append(balanced_loss(self._score(x[held_out]), y[held_out]))
            n_since_best = len(self.held_out_losses_) - 1 - int(np.argmin(self.held_out_losses_))
            if n_since_best == 0:
                best = copy.deepcopy(self.network_.state_dict())
            elif n_since_best == PATIENCE:
                break
        if best is not None:
            self.network_.load_state_dict(best)

    def _batches(self, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """Row numbers of the batches of all steps, `(steps, B)`."""
        training = TrainingConfig(
            epochs=EPOCHS, min_steps=MIN_STEPS, max_steps=self.max_steps, batch_size=self.batch_size
        )
        affordable = max(MIN_BATCH, PASS // self._numbers_per_row(x.shape[1]))
        return batches(y, training.steps(len(y)), min(self.batch_size, affordable, len(y)), True, generator)

    @torch.no_grad()
    def _score(self, x: Tensor) -> Tensor:
        """Mean probability of the members, `(N, P)` -> `(N,)`; doubles, of which fewer are rounded to 1."""
        self.network_.eval()
        n_blocks = max(1, PASS // self._numbers_per_row(x.shape[1]) // MULTIPLE)
        parts = x.split(n_blocks * MULTIPLE)
        return torch.cat([self.network_(part).flatten(1).double().sigmoid().mean(1) for part in parts])


def hold_out(y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Row numbers to train on and those to stop by, `(N',)` and `(H,)`; all and none with too few anomalies."""
    classes = [(y == label).nonzero().flatten() for label in (0, 1)]
    n_held_out = [min(int(HELD_OUT_SHARE * len(members)), MOST_HELD_OUT) for members in classes]
    is_held_out = torch.zeros_like(y, dtype=torch.bool)
    if min(n_held_out) < FEWEST_HELD_OUT:
        logger.info("%d normal and %d anomalous training rows: none is held out to stop by", *map(len, classes))
    else:
        for members, n in zip(classes, n_held_out, strict=True):
            is_held_out[members[torch.randperm(len(members), generator=generator, device=y.device)[:n]]] = True
    return (~is_held_out).nonzero().flatten(), is_held_out.nonzero().flatten()


def step(network: nn.Module, optimiser: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    """One gradient step on rows `x (B, P)`: the mean loss of the members, each by itself."""
    network.train()
    logits = network(x).flatten(1)  # (B, K)
    loss = F.binary_cross_entropy_with_logits(logits, y.unsqueeze(1).expand_as(logits))
    descend(loss, optimiser, network, MAX_GRADIENT_NORM)


def balanced_loss(probability: Tensor, y: Tensor) -> float:
    """Mean over the two classes of their mean cross-entropy; `(N,)` each."""
    losses = F.binary_cross_entropy(probability, y.double(), reduction="none")
    return float(losses[y == 0].mean() + losses[y == 1].mean()) / 2
