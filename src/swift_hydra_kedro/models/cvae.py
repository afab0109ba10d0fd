"""The conditional VAE (section 2, eq. 1 and 2): encoder `G_psi`, decoder `M_phi`.

Condition and target carry the same label {0, 1} in training and in generation.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from swift_hydra_kedro.config import CVAEConfig


class CVAE(nn.Module):
    """Encoder `(x, y) -> (mu, log_var)` and decoder `(z, y) -> x`, ReLU networks with two hidden layers.

    With `spectral_norm` every decoder layer is 1-Lipschitz, the premise of theorem 1.
    """

    def __init__(self, n_features: int, config: CVAEConfig) -> None:
        super().__init__()
        latent, hidden = config.latent_size, config.hidden_size
        self.n_features, self.config = n_features, config
        self.encoder = _mlp(n_features + 1, hidden, 2 * latent)
        self.decoder = _mlp(latent + 1, hidden, n_features)
        if config.spectral_norm:
            for layer in self.decoder:
                if isinstance(layer, nn.Linear):
                    spectral_norm(layer)

    def encode(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return `mu` and `log_var`, each `(B, d)`, of rows `x (B, P)` with labels `y (B,)`."""
        mu, log_var = self.encoder(torch.cat([x, y.unsqueeze(-1)], dim=-1)).chunk(2, dim=-1)
        return mu, log_var.clamp(-10, 10)

    def decode(self, z: Tensor, y: Tensor) -> Tensor:
        """Return rows `(B, P)` of latents `z (B, d)` with labels `y (B,)`."""
        return self.decoder(torch.cat([z, y.unsqueeze(-1)], dim=-1))

    def loss(self, x: Tensor, y: Tensor, noise: Tensor) -> Tensor:
        """Negative ELBO per row, `(B,)`: `(1 - p) * reconstruction + p * KL`, summed over dimensions.

        `noise (B, d)` is standard normal, for the reparametrised sample.
        """
        mu, log_var = self.encode(x, y)
        z = mu + torch.exp(0.5 * log_var) * noise
        reconstruction = (self.decode(z, y) - x).square().sum(-1)
        kl = 0.5 * (mu.square() + log_var.exp() - 1 - log_var).sum(-1)
        p = self.config.kl_weight
        return (1 - p) * reconstruction + p * kl


def _mlp(n_in: int, hidden: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(n_in, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, n_out)
    )
