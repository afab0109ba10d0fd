"""ADGym's design choices (Jiang et al., NeurIPS 2023, table 1), and the detector that a choice of each makes.

Silent or unclear in the paper, and so decided here: SGD's momentum of 0.9, mixup's Beta(0.2, 0.2), gradients clipped to
a norm of 1, an autoencoder's reconstruction error of normal rows added to its loss.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from imblearn.over_sampling import RandomOverSampler
from torch import Tensor

from swift_hydra_kedro.baselines.detectors.adgym_losses import LOSSES
from swift_hydra_kedro.baselines.detectors.adgym_network import ScoreNetwork
from swift_hydra_kedro.baselines.detectors.base import TorchClassifier
from swift_hydra_kedro.baselines.oversamplers.smote import FewShotSMOTE
from swift_hydra_kedro.baselines.training import descend
from swift_hydra_kedro.models.batches import batches, mixup
from swift_hydra_kedro.models.runtime import Generators

MIXUP_BETA = 0.2
MAX_NORM = 1.0
OVERSAMPLERS = {"oversampling": RandomOverSampler, "smote": FewShotSMOTE}
OPTIMISERS: Mapping[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": partial(torch.optim.SGD, momentum=0.9),
    "adam": partial(torch.optim.Adam, fused=True),
    "rmsprop": torch.optim.RMSprop,
}


# The paper's grid but for two things: augmentation by a GAN is left out, as over-samplers feed any detector here, and
# rows may stay as they come, since they come standardised.
GRID: dict[str, Sequence[object]] = {
    "augmentation": ("none", "oversampling", "smote", "mixup"),
    "preprocessing": ("none", "min_max", "normalise"),
    "architecture": ("mlp", "autoencoder", "resnet", "ft_transformer"),
    "hidden": ((20,), (100, 20), (100, 50, 20)),
    "activation": ("tanh", "relu", "leaky_relu"),
    "dropout": (0.0, 0.1, 0.3),
    "initialisation": ("default", "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal"),
    "loss": ("bce", "focal", "minus", "inverse", "hinge", "deviation", "ordinal"),
    "optimiser": ("sgd", "adam", "rmsprop"),
    "resampling": (False, True),
    "epochs": (20, 50, 100),
    "batch_size": (16, 64, 256),
    "learning_rate": (1e-2, 1e-3),
    "weight_decay": (1e-2, 1e-4),
}


class Design(TorchClassifier):
    """A network of ADGym's grid, trained as its choices say.

    The defaults are DevNet's (Pang et al., KDD 2019), as near as the grid has them.

    Parameters
    ----------
    augmentation : of the training rows; mixup mixes those of a batch
    preprocessing : `min_max` takes the range of each feature to 0..1, `normalise` each row to length 1
    architecture, hidden, activation, dropout, initialisation : of the `ScoreNetwork`
    loss : see `LOSSES`
    resampling : whether half of each batch are anomalies
    optimiser, epochs, batch_size, learning_rate, weight_decay : of the training
    max_steps : batches at most, however many the epochs hold
    device, random_state : see `TorchDetector`

    Attributes
    ----------
    network_ : the `ScoreNetwork`
    low_, span_ : `(P,)` least value and range of each feature
    """

    def __init__(
        self,
        *,
        augmentation: str = "none",
        preprocessing: str = "none",
        architecture: str = "mlp",
        hidden: tuple[int, ...] = (20,),
        activation: str = "relu",
        dropout: float = 0.0,
        initialisation: str = "default",
        loss: str = "deviation",
        optimiser: str = "rmsprop",
        resampling: bool = True,
        epochs: int = 50,
        batch_size: int = 256,
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-2,
        max_steps: int = 1000,
        device: str = "auto",
        random_state: int | None = None,
    ) -> None:
        super().__init__(device=device, random_state=random_state)
        self.augmentation = augmentation
        self.preprocessing = preprocessing
        self.architecture = architecture
        self.hidden = hidden
        self.activation = activation
        self.dropout = dropout
        self.initialisation = initialisation
        self.loss = loss
        self.optimiser = optimiser
        self.resampling = resampling
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.max_steps = max_steps

    def _train(self, x: Tensor, y: Tensor, rng: Generators) -> None:
        self._check_names()
        n_steps = min(self.max_steps, self.epochs * math.ceil(len(x) / self.batch_size))
        self.low_ = x.amin(0)
        span = x.amax(0) - self.low_
        self.span_ = span.where(span > 0, 1.0)
        x, y = self._oversampled(x, y, rng)
        x = self._preprocessed(x)
        self.network_ = self._network(x.shape[1]).to(x.device).train()
        optimiser = OPTIMISERS[self.optimiser](
            self.network_.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay
        )
        beta = MIXUP_BETA if self.augmentation == "mixup" else 0
        for rows in batches(y, n_steps, self.batch_size, self.resampling, rng.torch):
            batch, label, _ = mixup(x[rows], y[rows], torch.ones_like(y[rows]), beta, rng.torch)
            score, error = self.network_(batch)  # (B,) each
            loss = LOSSES[self.loss](score, label) + ((1 - label) * error).mean()
            descend(loss, optimiser, self.network_, MAX_NORM)
        self.network_.eval()

    def _score(self, x: Tensor) -> Tensor:
        return self.network_(self._preprocessed(x))[0]

    def _check_names(self) -> None:
        for choice, known in GRID.items():
            value = getattr(self, choice)
            if isinstance(known[0], str) and value not in known:
                raise ValueError(f"{choice} must be one of {known}; it is {value!r}")

    def _oversampled(self, x: Tensor, y: Tensor, rng: Generators) -> tuple[Tensor, Tensor]:
        if self.augmentation not in OVERSAMPLERS:
            return x, y
        sampler = OVERSAMPLERS[self.augmentation](random_state=int(rng.numpy.integers(2**31)))
        rows, label = sampler.fit_resample(x.cpu().numpy(), y.cpu().numpy().astype(int))
        return torch.as_tensor(rows).to(x), torch.as_tensor(label).to(y)

    def _preprocessed(self, x: Tensor) -> Tensor:
        if self.preprocessing == "min_max":
            return (x - self.low_) / self.span_
        return F.normalize(x) if self.preprocessing == "normalise" else x

    def _network(self, n_features: int) -> ScoreNetwork:
        return ScoreNetwork(
            n_features,
            architecture=self.architecture,
            hidden=self.hidden,
            activation=self.activation,
            dropout=self.dropout,
            initialisation=self.initialisation,
        )
