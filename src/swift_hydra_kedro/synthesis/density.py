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

    def log_kernel(self, squared_distance: Tensor) -> Tensor:
        """Log of the normalised kernel at the given squared distances."""
        variance = self.bandwidth**2
        n_features = self.points.shape[1]
        return -0.5 * (squared_distance / variance + n_features * math.log(2 * math.pi * variance))

    def log_density(self, x: Tensor) -> Tensor:
        """`log p(x)`, `(..., P)` -> `(...)`."""
        distance = squared_distances(x.reshape(-1, x.shape[-1]), self.points)  # (rows, n)
        log_sum = torch.logsumexp(self.log_kernel(distance), dim=1)
        return (log_sum - math.log(len(self.points))).reshape(x.shape[:-1])

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
        self.log_kernel_noise = kde.log_kernel(self.noise.square().sum(-1))  # (2 e,)

    def current(self) -> float:
        """Entropy of the anomalies as they are: `-mean_j log p(x_j)`."""
        return float(-self.log_p_samples.mean())

    def __call__(self, candidates: Tensor) -> Tensor:
        """`H_new` of each candidate, `(h, P)` -> `(h,)`."""
        n = len(self.kde.points)
        to_samples = self.kde.log_kernel(squared_distances(candidates, self.samples))  # (h, s)
        at_samples = self._log_p_new(self.log_p_samples, to_samples).mean(1)  # (h,)
        around = candidates.unsqueeze(1) + self.noise  # (h, 2 e, P)
        near_candidate = self._log_p_new(self.kde.log_density(around), self.log_kernel_noise).mean(1)  # (h,)
        return -(n * at_samples + near_candidate) / (n + 1)

    def _log_p_new(self, log_p: Tensor, log_kernel: Tensor) -> Tensor:
        """The rank-one update in log space."""
        n = len(self.kde.points)
        return torch.logaddexp(log_p + math.log(n / (n + 1)), log_kernel - math.log(n + 1))


def squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """Squared Euclidean distances, `(h, P)` and `(n, P)` -> `(h, n)`, by one matrix product.

    Both are centred first: large norms would cancel.
    """
    centre = b.mean(0)
    a, b = a - centre, b - centre
    product = torch.addmm(b.square().sum(1), a, b.T, alpha=-2)
    return (product + a.square().sum(1, keepdim=True)).clamp(min=0)


def _antithetic(noise: Tensor) -> Tensor:
    """Each draw and its mirror image: odd errors cancel."""
    return torch.cat([noise, -noise])


def _silverman(points: Tensor) -> float:
    sigma = float(points.std(0, correction=0).mean())
    return max(1.06 * sigma * len(points) ** -0.2, SILVERMAN_FLOOR)
