"""Deep deterministic policy gradient (Lillicrap et al., 2016), as MixAnN uses it (section 3.4, eq. 3 and 4).

Actions lie in [0, 1]: what a network gives goes through a sigmoid, and the process scales it. MixAnN's text names
neither target networks nor exploration nor the last layers' small weights; all are DDPG's own. The exploration is
Gaussian, after some random actions.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import torch
from torch import Tensor, nn

from swift_hydra_kedro.baselines.training import descend
from swift_hydra_kedro.config.mixann import DDPGConfig
from swift_hydra_kedro.models.layers import seeded_init

LAST_LAYER = 3e-3


class Transitions(NamedTuple):
    """`state (B, s)`, `action (B, a)` in [0, 1], `reward (B,)`, `next_state (B, s)`, `ended (B,)` in {0, 1}."""

    state: Tensor
    action: Tensor
    reward: Tensor
    next_state: Tensor
    ended: Tensor


class ReplayBuffer:
    """The latest `capacity` transitions."""

    def __init__(self, capacity: int, state_size: int, action_size: int) -> None:
        self.capacity, self.added = capacity, 0
        shapes = [(state_size,), (action_size,), (), (state_size,), ()]
        self.stored = Transitions(*(torch.zeros(capacity, *shape) for shape in shapes))

    def __len__(self) -> int:
        return min(self.added, self.capacity)

    def add(self, state: Tensor, action: Tensor, reward: float, next_state: Tensor, ended: bool) -> None:
        """Remember a transition in place of the oldest."""
        place = self.added % self.capacity
        stored, values = self.stored, (state, action, reward, next_state, float(ended))
        for column, value in zip(stored, map(torch.as_tensor, values), strict=True):
            column[place] = value
        self.added += 1

    def sample(self, n: int, generator: torch.Generator) -> Transitions:
        """Draw `n` transitions with replacement."""
        rows = torch.randint(len(self), (n,), generator=generator)
        return Transitions(*(column[rows] for column in self.stored))


class Actor(nn.Module):
    """`sigmoid(pi(s))`: state `(B, s)` -> action `(B, a)` in (0, 1)."""

    def __init__(self, state_size: int, action_size: int, hidden: int) -> None:
        super().__init__()
        self.net = _mlp(state_size, hidden, action_size)

    def forward(self, state: Tensor) -> Tensor:
        """The action for each state."""
        return self.net(state).sigmoid()


class Critic(nn.Module):
    """`Q(s, a)`: state `(B, s)` and action `(B, a)` -> expected return `(B,)`."""

    def __init__(self, state_size: int, action_size: int, hidden: int) -> None:
        super().__init__()
        self.net = _mlp(state_size + action_size, hidden, 1)

    def forward(self, state: Tensor, action: Tensor) -> Tensor:
        """The return of each action."""
        return self.net(torch.cat([state, action], dim=-1)).squeeze(-1)


class DDPG:
    """Actor and critic, their targets, and the transitions that they learn from."""

    def __init__(self, state_size: int, action_size: int, config: DDPGConfig, generator: torch.Generator) -> None:
        self.config, self.generator, self.action_size = config, generator, action_size
        with seeded_init(generator):
            self.actor = Actor(state_size, action_size, config.hidden_size)
            self.critic = Critic(state_size, action_size, config.hidden_size)
        self.target_actor, self.target_critic = (
            copy.deepcopy(net).requires_grad_(False) for net in (self.actor, self.critic)
        )
        self.actor_optimiser = torch.optim.Adam(self.actor.parameters(), lr=config.actor_learning_rate, fused=True)
        self.critic_optimiser = torch.optim.Adam(self.critic.parameters(), lr=config.critic_learning_rate, fused=True)
        self.buffer = ReplayBuffer(config.buffer_size, state_size, action_size)

    @torch.no_grad()
    def act(self, state: Tensor) -> Tensor:
        """The actor's action for a state, `(s,)` -> `(a,)`."""
        return self.actor(state)

    def explore(self, state: Tensor) -> Tensor:
        """The same with noise; in the first `random_steps` a uniform random one."""
        if self.buffer.added < self.config.random_steps:
            return torch.rand(self.action_size, generator=self.generator)
        noise = torch.randn(self.action_size, generator=self.generator)
        return (self.act(state) + self.config.noise * noise).clamp(0, 1)

    def learn(self) -> dict[str, float]:
        """Update critic (eq. 4), actor (eq. 3) and targets on a batch; both losses, or nothing without a full batch."""
        if len(self.buffer) < self.config.batch_size:
            return {}
        batch = self.buffer.sample(self.config.batch_size, self.generator)
        critic_loss = (self.critic(batch.state, batch.action) - self.bellman(batch)).square().mean()
        descend(critic_loss, self.critic_optimiser)
        actor_loss = -self.critic(batch.state, self.actor(batch.state)).mean()
        descend(actor_loss, self.actor_optimiser)
        for target, net in ((self.target_actor, self.actor), (self.target_critic, self.critic)):
            polyak_average(target, net, self.config.polyak)
        return {"critic_loss": float(critic_loss.detach()), "actor_loss": float(actor_loss.detach())}

    @torch.no_grad()
    def bellman(self, batch: Transitions) -> Tensor:
        """`b = r + gamma Q'(s', pi'(s'))`, `(B,)`; nothing follows where an episode has ended."""
        following = self.target_critic(batch.next_state, self.target_actor(batch.next_state))
        return batch.reward + self.config.discount * (1 - batch.ended) * following


@torch.no_grad()
def polyak_average(target: nn.Module, net: nn.Module, share: float) -> None:
    """Move a target's weights by `share` of the way to those of the network."""
    for old, new in zip(target.parameters(), net.parameters(), strict=True):
        old.lerp_(new, share)


def _mlp(n_in: int, hidden: int, n_out: int) -> nn.Sequential:
    """Two hidden layers; the first outputs are near zero, so that the actor follows no chance slope of the critic."""
    last = nn.Linear(hidden, n_out)
    for parameter in last.parameters():
        nn.init.uniform_(parameter, -LAST_LAYER, LAST_LAYER)
    return nn.Sequential(nn.Linear(n_in, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), last)
