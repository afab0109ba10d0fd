"""Where the walks through the latent space start: at the encodings of current anomalies."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from swift_hydra_kedro.models.cvae import CVAE
from swift_hydra_kedro.synthesis.feasible import SupportedRange


@dataclass(frozen=True)
class States:
    """Latents `z (h, d)`, what the C-VAE cannot express of the rows they encode, and the range all of them support.

    `residual (h, P)` is the row less the decoding of its mean encoding. A sample that keeps it differs from the
    anomaly it comes from by its steps in the latent space alone, however much the C-VAE smooths.
    """

    z: Tensor
    residual: Tensor
    supported: SupportedRange


@torch.no_grad()
def draw_states(
    anomalies: Tensor, cvae: CVAE, n: int, quantile: float, keep_residual: bool, generator: torch.Generator
) -> States:
    """Draw `n` of the anomalies `(a, P)` and a latent from the encoding of each."""
    mu, log_var = cvae.encode(anomalies, anomalies.new_ones(len(anomalies)))
    supported = SupportedRange.fit(mu, log_var, quantile)
    drawn = torch.randint(len(mu), (n,), generator=generator, device=mu.device)
    eps = torch.randn(n, mu.shape[1], generator=generator, device=mu.device)
    z = mu[drawn] + torch.exp(0.5 * log_var[drawn]) * eps
    rows = anomalies[drawn]
    residual = rows - cvae.decode(mu[drawn], mu.new_ones(n)) if keep_residual else torch.zeros_like(rows)
    return States(z, residual, supported)
