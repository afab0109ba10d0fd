"""One walk per sample: from a real row through the latent space to a new one (lines 6 to 15 of algorithm 1)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from swift_hydra_kedro.config import SynthesisConfig
from swift_hydra_kedro.models.cvae import CVAE
from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.policy import Policy
from swift_hydra_kedro.synthesis.acceptance import Acceptance
from swift_hydra_kedro.synthesis.batch import Joinable
from swift_hydra_kedro.synthesis.density import EntropyAfterAdding
from swift_hydra_kedro.synthesis.feasible import feasible_latents
from swift_hydra_kedro.synthesis.region import NormalRegion
from swift_hydra_kedro.synthesis.reward import RewardFunction, Rewards, rewards_of
from swift_hydra_kedro.synthesis.states import States, draw_states


@dataclass(frozen=True)
class Walks(Joinable):
    """What the policy observed, `(h, d + 1)`, its action `(h, d)`, the action's log-probability, and where it led.

    The action is the one that was taken in the end: those that left the supported range were `replaced (h,)`, a mask.
    `x (h, P)` are the samples, `accepted (h,)` masks those which may join the training rows, and `outside (h,)` those
    that come from normal rows.
    """

    observed: Tensor
    action: Tensor
    log_prob: Tensor
    replaced: Tensor
    x: Tensor
    accepted: Tensor
    outside: Tensor


@dataclass(frozen=True)
class Walker:
    """Takes the walks of one episode, in which everything else stays as it is."""

    cvae: CVAE
    detector: MambaDetector
    entropy: EntropyAfterAdding
    discount: float
    policy: Policy
    config: SynthesisConfig
    generator: torch.Generator

    def from_anomalies(self, anomalies: Tensor, n: int, acceptance: Acceptance) -> Walks:
        """`n` samples that start at anomalies `(a, P)`; to be accepted they have to convince the judge."""
        states, reward = self._start(anomalies, 1, n)
        z, log_prob, replaced = self._act(states)
        if replaced.any():
            steps, length = self.config.feasible_steps, self.config.feasible_step_size
            start, climbed = states.z[replaced], reward.at(replaced)
            z[replaced] = feasible_latents(start, climbed, states.supported, steps, length)
        with torch.no_grad():
            x = reward.decode(z)
        outside = torch.zeros_like(replaced)
        return Walks(states.observed, z - states.z, log_prob, replaced, x, acceptance(x), outside)

    def from_normals(self, region: NormalRegion, n: int) -> Walks:
        """`n` samples that start at normal rows and go on in their direction until they have left the `region`.

        Steps out of the supported range are cut short: the reward of a latent is not that of where the row ends, so
        that there is nothing to climb.
        """
        states, reward = self._start(region.references, 0, n)
        z, log_prob, replaced = self._act(states)
        z = states.supported.project(z)
        with torch.no_grad():
            x = region.leave(states.rows, reward.decode(z) - states.rows, self.generator)
        has_left, outside = x.isfinite().all(1) & ~region.contains(x), torch.ones_like(replaced)
        return Walks(states.observed, z - states.z, log_prob, replaced, x, has_left, outside)

    @torch.no_grad()
    def rewards(self, x: Tensor) -> Rewards:
        """Rewards of samples `(h, P)`, wherever they come from."""
        return rewards_of(x, self.detector, self.entropy, self.discount)

    def _start(self, rows: Tensor, label: int, n: int) -> tuple[States, RewardFunction]:
        states = draw_states(rows, label, self.cvae, n, self.config, self.generator)
        reward = RewardFunction(self.cvae, self.detector, self.entropy, self.discount, label, states.residual)
        return states, reward

    def _act(self, states: States) -> tuple[Tensor, Tensor, Tensor]:
        """Where the policy's actions lead, `(n, d)`, their log-probability, and which leave the supported range."""
        action, log_prob = self.policy.sample(states.observed, self.generator)
        z = states.z + action
        return z, log_prob, ~states.supported.contains(z)
