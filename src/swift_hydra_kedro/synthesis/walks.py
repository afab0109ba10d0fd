"""One walk per sample: from a real row through the latent space to a new one (lines 6 to 15 of algorithm 1)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from swift_hydra_kedro.config import SynthesisConfig
from swift_hydra_kedro.synthesis.acceptance import Acceptance
from swift_hydra_kedro.synthesis.feasible import feasible_latents
from swift_hydra_kedro.synthesis.ppo import PPO
from swift_hydra_kedro.synthesis.region import NormalRegion
from swift_hydra_kedro.synthesis.reward import RewardFunction
from swift_hydra_kedro.synthesis.states import States


@dataclass(frozen=True)
class Walks:
    """What the policy observed, `(h, d + 1)`, its action `(h, d)`, the action's log-probability, and where it led.

    The action is the one that was taken in the end: those that left the supported range were `replaced (h,)`, a mask.
    `x (h, P)` are the samples, and `accepted (h,)` masks those which may join the training rows.
    """

    observed: Tensor
    action: Tensor
    log_prob: Tensor
    replaced: Tensor
    x: Tensor
    accepted: Tensor
    outside: Tensor

    def join(self, other: Walks) -> Walks:
        """These walks and then the others."""
        names = self.__dataclass_fields__
        return Walks(**{name: torch.cat([getattr(self, name), getattr(other, name)]) for name in names})


def walk_from_anomalies(
    states: States, reward: RewardFunction, acceptance: Acceptance, ppo: PPO, config: SynthesisConfig
) -> Walks:
    """Samples that have to convince the judge."""
    z, action, log_prob, replaced = _act(states, reward, ppo, config)
    with torch.no_grad():
        x = reward.decode(z)
    return Walks(states.observed, action, log_prob, replaced, x, acceptance(x), torch.zeros_like(replaced))


def walk_from_normals(
    states: States,
    reward: RewardFunction,
    region: NormalRegion,
    ppo: PPO,
    config: SynthesisConfig,
    generator: torch.Generator,
) -> Walks:
    """Samples that have to leave the normal region: each goes on in its direction until it has."""
    z, action, log_prob, replaced = _act(states, reward, ppo, config)
    with torch.no_grad():
        x = region.leave(states.rows, reward.decode(z) - states.rows, generator)
    return Walks(states.observed, action, log_prob, replaced, x, ~region.contains(x), torch.ones_like(replaced))


def _act(
    states: States, reward: RewardFunction, ppo: PPO, config: SynthesisConfig
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Where the policy's steps lead, `z (h, d)`, all in the supported range; action, log-probability, replaced."""
    action, log_prob = ppo.act(states.observed)
    z = states.z + action  # (h, d)
    replaced = ~states.supported.contains(z)
    if replaced.any():
        z[replaced] = feasible_latents(
            states.z[replaced],
            reward.at(replaced),
            states.supported,
            config.feasible_steps,
            config.feasible_step_size,
        )
    return z, z - states.z, log_prob, replaced
