"""The Gaussian policy `pi_omega` over latent steps, and its value net (section 3.1.1)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal

LOG_SIGMA_RANGE = (-5.0, 1.0)
INITIAL_SIGMA = 0.3


class Policy(nn.Module):
    """State `(B, s)` -> distribution of the action `delta (B, d)`.

    The paper's action `(mu, sigma)` and `delta = sigma * eps + mu` are the parameters of a Gaussian
    and a sample of it; PPO needs the probability of the sample.
    """

    def __init__(self, state_size: int, action_size: int, hidden: int) -> None:
        super().__init__()
        self.state_size = state_size
        self.body = _tanh_body(state_size, hidden)
        self.head = nn.Linear(hidden, 2 * action_size)
        with torch.no_grad():  # start near "no step", with the same spread everywhere
            self.head.weight.mul_(0.01)
            self.head.bias.zero_()
            self.head.bias[action_size:] = math.log(INITIAL_SIGMA)

    def forward(self, state: Tensor) -> Independent:
        """Distribution of the step to take from each state."""
        mu, log_sigma = self.head(self.body(state)).chunk(2, dim=-1)
        normal = Normal(mu, log_sigma.clamp(*LOG_SIGMA_RANGE).exp(), validate_args=False)  # a GPU would be waited for
        return Independent(normal, 1, validate_args=False)

    @torch.no_grad()
    def sample(self, state: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Sample steps `delta = sigma * eps + mu (B, d)` from states `(B, s)`, with their log-probability `(B,)`."""
        distribution = self(state)
        eps = torch.randn(distribution.mean.shape, generator=generator, device=state.device)
        action = distribution.stddev * eps + distribution.mean
        return action, distribution.log_prob(action)


class ValueNet(nn.Module):
    """State `(B, s)` -> expected reward `(B,)`."""

    def __init__(self, state_size: int, hidden: int) -> None:
        super().__init__()
        self.net = nn.Sequential(_tanh_body(state_size, hidden), nn.Linear(hidden, 1))

    def forward(self, state: Tensor) -> Tensor:
        """Value of each state."""
        return self.net(state).squeeze(-1)


def _tanh_body(n_in: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(n_in, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
