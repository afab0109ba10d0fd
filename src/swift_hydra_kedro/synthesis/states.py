"""Where the walks through the latent space start: at the encodings of current anomalies, or of normal rows."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from swift_hydra_kedro.config import SynthesisConfig
from swift_hydra_kedro.models.cvae import CVAE
from swift_hydra_kedro.synthesis.feasible import SupportedRange


@dataclass(frozen=True)
class States:
    """Rows `(h, P)` of one label, their latents `z (h, d)`, and the range that all of their encodings support.

    `residual (h, P)` is what the C-VAE cannot express of a row: the row less the decoding of its mean encoding. A
    sample that keeps it differs from the row it comes from by its steps in the latent space alone, however much the
    C-VAE smooths.
    """

    rows: Tensor
    label: int
    z: Tensor
    residual: Tensor
    supported: SupportedRange

    @property
    def observed(self) -> Tensor:
        """What the policy sees, `(h, d + 1)`: latents in units of the supported range, and the label."""
        return torch.cat([self.supported.standardise(self.z), torch.full_like(self.z[:, :1], self.label)], dim=1)


@torch.no_grad()
def draw_states(
    rows: Tensor, label: int, cvae: CVAE, n: int, config: SynthesisConfig, generator: torch.Generator
) -> States:
    """Draw `n` of the rows `(a, P)`, all of one label, and a latent from the encoding of each."""
    mu, log_var = cvae.encode(rows, torch.full_like(rows[:, 0], label))
    supported = SupportedRange.fit(mu, log_var, config.support_quantile)
    drawn = torch.randint(len(mu), (n,), generator=generator, device=mu.device)
    eps = torch.randn(n, mu.shape[1], generator=generator, device=mu.device)
    z = mu[drawn] + torch.exp(0.5 * log_var[drawn]) * eps
    start = rows[drawn]
    residual = torch.zeros_like(start)
    if config.keep_residual:
        residual = start - cvae.decode(mu[drawn], mu.new_full((n,), label))
    return States(start, label, z, residual, supported)
