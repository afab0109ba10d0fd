"""Entropy of the anomalies under a Gaussian KDE (A.3), and what one more point does to it.

Glossary: `p` the KDE of the n current anomalies, `K_h` its kernel, `x_j` points drawn once from `p`,
`eps_i` fixed points drawn from `K_h`, `x_hat` a candidate. One more point changes the density by a
rank-one update, `p_new(x) = (n p(x) + K_h(x - x_hat)) / (n + 1)`, so nothing is ever refitted:

`H_new = -n/(n+1) mean_j log p_new(x_j) - 1/(n+1) mean_i log p_new(x_hat + eps_i)`.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

SILVERMAN_FLOOR = 0.05
NEGLIGIBLE = 80.0  # exp(-80) adds nothing to 1; from about -87 on, torch's exp takes ten times as long


class GaussianKDE:
    """Kernel density estimate with an isotropic Gaussian kernel, in log space.

    Parameters
    ----------
    points : (n, P)
    bandwidth : standard deviation h of the kernel, or "silverman": h = 1.06 sigma n^(-1/5) with the mean
        standard deviation over features
    """

    def __init__(self, points: Tensor, bandwidth: float | Literal["silverman"]) -> None:
        self.points = points
        self.bandwidth = _silverman(points) if bandwidth == "silverman" else float(bandwidth)
        self.centre = points.mean(0)  # large norms would cancel in float32
        n_features = points.shape[1]
        self.log_normaliser = -0.5 * n_features * math.log(2 * math.pi * self.bandwidth**2)

    def log_kernel(self, a: Tensor, b: Tensor) -> Tensor:
        """Log of the kernel between rows, `(h, P)` and `(n, P)` -> `(h, n)`."""
        a_norm = 0.5 * self._standardise(a).square().sum(1, keepdim=True)
        return self._without_norm_of_first(a, b) - a_norm + self.log_normaliser

    def log_density(self, x: Tensor) -> Tensor:
        """`log p(x)`, `(h, P)` -> `(h,)`."""
        exponent = self._without_norm_of_first(x, self.points)  # (h, n)
        least = exponent.detach().amax(1, keepdim=True) - NEGLIGIBLE
        log_sum = torch.logsumexp(exponent.maximum(least), dim=1)
        norm = 0.5 * self._standardise(x).square().sum(1)
        return log_sum - norm + self.log_normaliser - math.log(len(self.points))

    def _without_norm_of_first(self, a: Tensor, b: Tensor) -> Tensor:
        """`a . b - |b|^2 / 2` in units of the bandwidth: one matrix product, and all that a softmax over b needs."""
        a, b = self._standardise(a), self._standardise(b)
        return torch.addmm(-0.5 * b.square().sum(1), a, b.T)

    def _standardise(self, x: Tensor) -> Tensor:
        return (x - self.centre) / self.bandwidth

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw from the kernel, `(n, P)`."""
        shape = (n, self.points.shape[1])
        return self.bandwidth * torch.randn(shape, generator=generator, device=self.points.device)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw from the density, `(n, P)`."""
        chosen = torch.randint(len(self.points), (n,), generator=generator, device=self.points.device)
        return self.points[chosen] + self.noise(n, generator)


class EntropyAfterAdding:
    """Entropy of the anomalies with a candidate added, for many candidates at once and differentiable in them.

    Draws its Monte Carlo points once, so that all candidates of an episode are compared on the same ones.
    """

    def __init__(self, kde: GaussianKDE, n_samples: int, n_noise: int, generator: torch.Generator) -> None:
        self.kde = kde
        self.samples = kde.sample(n_samples, generator)  # (s, P)
        self.noise = _antithetic(kde.noise(n_noise, generator))  # (2 e, P)
        self.log_p_samples = kde.log_density(self.samples)  # (s,)
        self.log_kernel_noise = kde.log_normaliser - 0.5 * (self.noise / kde.bandwidth).square().sum(1)  # (2 e,)

    def current(self) -> float:
        """Entropy of the anomalies as they are: `-mean_j log p(x_j)`."""
        return float(-self.log_p_samples.mean())

    def __call__(self, candidates: Tensor) -> Tensor:
        """`H_new` of each candidate, `(h, P)` -> `(h,)`."""
        n = len(self.kde.points)
        to_samples = self.kde.log_kernel(candidates, self.samples)  # (h, s)
        at_samples = self._log_p_new(self.log_p_samples, to_samples).mean(1)  # (h,)
        around = candidates.unsqueeze(1) + self.noise  # (h, 2 e, P)
        log_p_around = self.kde.log_density(around.flatten(0, 1)).view(around.shape[:2])  # (h, 2 e)
        near_candidate = self._log_p_new(log_p_around, self.log_kernel_noise).mean(1)  # (h,)
        return -(n * at_samples + near_candidate) / (n + 1)

    def _log_p_new(self, log_p: Tensor, log_kernel: Tensor) -> Tensor:
        """The rank-one update in log space."""
        n = len(self.kde.points)
        return torch.logaddexp(log_p + math.log(n / (n + 1)), log_kernel - math.log(n + 1))


def _antithetic(noise: Tensor) -> Tensor:
    """Each draw and its mirror image: odd errors cancel."""
    return torch.cat([noise, -noise])


def _silverman(points: Tensor) -> float:
    sigma = float(points.std(0, correction=0).mean())
    return max(1.06 * sigma * len(points) ** -0.2, SILVERMAN_FLOOR)
