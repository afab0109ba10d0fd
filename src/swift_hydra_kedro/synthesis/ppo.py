"""Proximal policy optimisation of the latent steps, with imitation of feasible actions (3.1, A.1).

The next state does not depend on the action, so an episode is a contextual bandit: the advantage is
`R - V(s)`, without bootstrapping. Actions that were replaced by feasible ones are learnt by their
log-likelihood and stay out of the PPO loss: the policy never took them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from swift_hydra_kedro.config import PolicyConfig
from swift_hydra_kedro.models.layers import seeded_init
from swift_hydra_kedro.models.policy import Policy, ValueNet


@dataclass(frozen=True)
class Trajectory:
    """An episode's samples.

    `state (h, s)`, `action (h, d)`, its `log_prob (h,)` when taken, `reward (h,)`, and the mask `replaced (h,)`.
    """

    state: Tensor
    action: Tensor
    log_prob: Tensor
    reward: Tensor
    replaced: Tensor


class PPO:
    """Policy, value net and their optimiser, kept over the episodes."""

    def __init__(self, state_size: int, action_size: int, config: PolicyConfig, generator: torch.Generator) -> None:
        self.config, self.generator = config, generator
        with seeded_init(generator):
            self.policy = Policy(state_size, action_size, config.hidden_size).to(generator.device)
            self.value = ValueNet(state_size, config.hidden_size).to(generator.device)
        self.optimiser = torch.optim.Adam(
            [*self.policy.parameters(), *self.value.parameters()], lr=config.learning_rate
        )

    def update(self, trajectory: Trajectory) -> dict[str, float]:
        """Improve policy and value net on an episode; return the diagnostics people look for."""
        reward = (trajectory.reward - trajectory.reward.mean()) / trajectory.reward.std().clamp(min=1e-6)
        advantage = reward - self.value(trajectory.state).detach()
        diagnostics: list[dict[str, Tensor]] = []
        for _ in range(self.config.epochs):
            order = torch.randperm(len(reward), generator=self.generator, device=reward.device)
            minibatches = order.split(self.config.minibatch_size)
            diagnostics += [self._step(trajectory, reward, advantage, rows) for rows in minibatches]
        return {name: float(torch.stack([d[name] for d in diagnostics]).mean()) for name in diagnostics[0]}

    def _step(self, trajectory: Trajectory, reward: Tensor, advantage: Tensor, rows: Tensor) -> dict[str, Tensor]:
        config, own = self.config, ~trajectory.replaced[rows]
        distribution = self.policy(trajectory.state[rows])
        log_prob = distribution.log_prob(trajectory.action[rows])
        log_ratio = torch.where(own, log_prob - trajectory.log_prob[rows], 0.0)  # replaced: no overflow in exp
        policy_loss = _masked_mean(-clipped_objective(log_ratio, advantage[rows], config.clip_ratio), own)
        value_loss = (self.value(trajectory.state[rows]) - reward[rows]).square().mean()
        imitation = _masked_mean(-log_prob, ~own) / trajectory.action.shape[1]
        entropy = distribution.entropy().mean()
        loss = (
            policy_loss
            + config.value_weight * value_loss
            + config.imitation_weight * imitation
            - config.entropy_weight * entropy
        )
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_([*self.policy.parameters(), *self.value.parameters()], 0.5)
        self.optimiser.step()
        with torch.no_grad():
            ratio = log_ratio.exp()
            return {
                "policy_loss": policy_loss.detach(),
                "value_loss": value_loss.detach(),
                "imitation_loss": imitation.detach(),
                "policy_entropy": entropy.detach(),
                "approx_kl": _masked_mean(ratio - 1 - log_ratio, own),
                "clip_fraction": _masked_mean(((ratio - 1).abs() > config.clip_ratio).float(), own),
            }


def clipped_objective(log_ratio: Tensor, advantage: Tensor, clip_ratio: float) -> Tensor:
    """PPO's surrogate per sample: `min(r A, clip(r, 1 - c, 1 + c) A)` with `r` the probability ratio."""
    ratio = log_ratio.exp()
    return torch.minimum(ratio * advantage, ratio.clamp(1 - clip_ratio, 1 + clip_ratio) * advantage)


def _masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean where `mask`; zero if nowhere."""
    return torch.where(mask, values, 0.0).sum() / mask.sum().clamp(min=1)
