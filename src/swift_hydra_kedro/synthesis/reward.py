"""The reward (eq. 3): `R = gamma^e H(anomalies with x_hat) - log W(x_hat)`.

Equation 3 writes the whole training set under H; A.3 and the text mean its anomalous part.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch.nn.functional as F
from torch import Tensor

from swift_hydra_kedro.models.cvae import CVAE
from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.synthesis.density import EntropyAfterAdding


@dataclass(frozen=True)
class Rewards:
    """Rewards of a batch of candidates, each `(h,)`: `total = discount * entropy + evasion`."""

    entropy: Tensor
    evasion: Tensor
    discount: float

    @property
    def total(self) -> Tensor:
        """`R`."""
        return self.discount * self.entropy + self.evasion

    @property
    def undecayed(self) -> Tensor:
        """Sum of the terms without `gamma^e`, which by itself lowers `R` from episode to episode."""
        return self.entropy + self.evasion


@dataclass(frozen=True)
class RewardFunction:
    """Everything that stays fixed within an episode, and the reward of a latent point under it.

    Latents are decoded with the `label`, and `residual (h, P)` is added, one row per latent.
    """

    cvae: CVAE
    detector: MambaDetector
    entropy: EntropyAfterAdding
    discount: float
    label: int
    residual: Tensor

    def at(self, rows: Tensor) -> RewardFunction:
        """The reward function of some of the latents, given by a mask `(h,)` or by numbers."""
        return replace(self, residual=self.residual[rows])

    def decode(self, z: Tensor) -> Tensor:
        """Rows that the latents `z (h, d)` stand for, `(h, P)`."""
        return self.cvae.decode(z, z.new_full((len(z),), self.label)) + self.residual

    def __call__(self, z: Tensor) -> Rewards:
        """Rewards of latents `z (h, d)`, differentiable in `z`."""
        return rewards_of(self.decode(z), self.detector, self.entropy, self.discount)


def rewards_of(x: Tensor, detector: MambaDetector, entropy: EntropyAfterAdding, discount: float) -> Rewards:
    """Rewards of rows `x (h, P)`, differentiable in `x`."""
    evasion = F.softplus(-detector(x))  # -log sigmoid(logit), without overflow
    return Rewards(entropy(x), evasion, discount)
