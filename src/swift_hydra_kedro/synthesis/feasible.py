"""Which latents count as supported, and one step to a feasible action (3.1.2, algorithm 2, theorem 1).

The paper never defines the supported range. Here it is an ellipsoid: the squared Mahalanobis distance
to the encodings of the current anomalies, with diagonal covariance, is at most the chi-square quantile
of as many degrees of freedom as the latent space has. A box per dimension would hold next to nothing
once there are many dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy.stats import chi2
from torch import Tensor

from swift_hydra_kedro.synthesis.reward import RewardFunction

VARIANCE_FLOOR = 1e-2


@dataclass(frozen=True)
class SupportedRange:
    """The ellipsoid: `centre (d,)`, `variance (d,)`, and the largest squared distance `limit`."""

    centre: Tensor
    variance: Tensor
    limit: float

    @classmethod
    def fit(cls, mu: Tensor, log_var: Tensor, quantile: float) -> SupportedRange:
        """Fit to the encoder's `mu` and `log_var`, each `(n, d)`, of the current anomalies.

        The variance is that of the aggregate posterior: of the means, plus the mean of the variances.
        A single anomaly has no variance of means, so there is a floor.
        """
        variance = mu.var(0, correction=0) + log_var.exp().mean(0)
        return cls(mu.mean(0), variance.clamp(min=VARIANCE_FLOOR), float(chi2.ppf(quantile, mu.shape[1])))

    def squared_distance(self, z: Tensor) -> Tensor:
        """Squared Mahalanobis distance, `(h, d)` -> `(h,)`."""
        return self.standardise(z).square().sum(-1)

    def standardise(self, z: Tensor) -> Tensor:
        """Latents in units of the range's own centre and spread, as policy and value net see them."""
        return (z - self.centre) / self.variance.sqrt()

    def contains(self, z: Tensor) -> Tensor:
        """Mask `(h,)` of the latents inside, up to float tolerance."""
        return self.squared_distance(z) <= self.limit * (1 + 1e-5)

    def project(self, z: Tensor) -> Tensor:
        """Pull latents outside to the surface, along the ray from the centre."""
        shrink = (self.limit / self.squared_distance(z).clamp(min=1e-12)).sqrt().clamp(max=1)
        return self.centre + (z - self.centre) * shrink.unsqueeze(-1)


def feasible_latents(
    z: Tensor, reward: RewardFunction, supported: SupportedRange, n_steps: int, step_size: float
) -> Tensor:
    """Climb the reward from `z (h, d)` and stay in the supported range: projected gradient ascent.

    Every step has length `step_size` in latent units, whatever the gradient's: rewards of different
    tables differ by orders of magnitude.
    """
    z = supported.project(z.detach())
    for _ in range(n_steps):
        z.requires_grad_(True)
        (gradient,) = torch.autograd.grad(reward(z).total.sum(), z)
        direction = gradient / gradient.norm(dim=-1, keepdim=True).clamp(min=1e-12)
        z = supported.project((z + step_size * direction).detach())
    return z
