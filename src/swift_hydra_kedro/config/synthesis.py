"""The self-reinforcing generative module (section 3.1, algorithm 1)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveFloat, model_validator

from swift_hydra_kedro.config.base import Config
from swift_hydra_kedro.config.training import BalancedTrainingConfig


class PolicyConfig(Config):
    """Gaussian policy and value net, trained by PPO with imitation of feasible actions."""

    hidden_size: int = Field(64, ge=1, description="Width of the two hidden layers of policy and value net.")
    learning_rate: float = Field(3e-3, gt=0, description="Adam's learning rate.")
    epochs: int = Field(20, ge=1, description="Passes over an episode's samples.")
    minibatch_size: int = Field(64, ge=2, description="Samples per gradient step.")
    clip_ratio: float = Field(0.2, gt=0, lt=1, description="PPO's bound on the probability ratio.")
    value_weight: float = Field(0.5, ge=0, description="Weight of the value loss.")
    entropy_weight: float = Field(1e-3, ge=0, description="Weight of the entropy bonus.")
    imitation_weight: float = Field(1.0, ge=0, description="Weight of the supervised loss on feasible actions.")


class RewardConfig(Config):
    """Reward (eq. 3) and its entropy estimate (A.3)."""

    discount: float = Field(0.95, gt=0, le=1, description="gamma: the entropy term's decay per episode.")
    bandwidth: PositiveFloat | Literal["silverman"] = Field(0.5, description="KDE bandwidth on standardised features.")
    kde_samples: int = Field(300, ge=1, description="Points x_j drawn once per episode to estimate the entropy.")
    noise_samples: int = Field(
        1, ge=1, description="Pairs of mirrored points around a candidate: what its own kernel adds to the entropy."
    )
    max_reference_rows: int = Field(1000, ge=1, description="Most anomalies the KDE is built on.")


class OutskirtsConfig(Config):
    """Synthetic anomalies that lie outside the normal rows."""

    quantile: float = Field(
        0.99,
        gt=0,
        lt=1,
        description="Quantile of the distances between normal rows and those nearest to them that ends their region.",
    )
    reach: float = Field(1.5, gt=1, description="Farthest that such a sample goes from normal rows, in that distance.")
    scatter: float = Field(
        0.8, ge=0, le=1, description="Share of a random direction in the way out, the rest is the policy's."
    )
    min_rows: int = Field(100, ge=2, description="Least normal rows; fewer do not tell where the next ones will be.")
    max_references: int = Field(1000, ge=2, description="Most normal rows that tell where the region is.")

    @model_validator(mode="after")
    def _enough_references(self) -> OutskirtsConfig:
        if self.max_references < self.min_rows:
            raise ValueError(f"max_references ({self.max_references}) is below min_rows ({self.min_rows})")
        return self


class SynthesisConfig(Config):
    """The self-reinforcing generative module (algorithm 1)."""

    enabled: bool = Field(True, description="False trains the mixture on the real rows alone.")
    episodes: int = Field(8, ge=1, description="Most episodes E.")
    steps_per_episode: int = Field(256, ge=2, description="Samples h made per episode, as one batch.")
    keep: int = Field(
        32, ge=1, description="Samples l that join the training set: of the highest reward, and any from outside."
    )
    support_quantile: float = Field(
        0.99, gt=0, lt=1, description="Quantile q of chi2_d that bounds the supported latent range."
    )
    feasible_steps: int = Field(20, ge=1, description="Gradient steps of one-step-to-feasible-action (algorithm 2).")
    feasible_step_size: float = Field(0.05, gt=0, description="Length of one of these steps, in latent units.")
    patience: int = Field(3, ge=0, description="N: after more episodes than these without improvement, the loop stops.")
    min_improvement: float = Field(0.0, ge=0, description="Omega: least gain of the mean undecayed reward that counts.")
    keep_residual: bool = Field(
        True, description="Samples keep what the C-VAE cannot express of the row they come from."
    )
    min_probability: float = Field(
        0.85, ge=0, le=1, description="Least probability that the judge gives a sample from an anomaly which may join."
    )
    outskirts: OutskirtsConfig | None = Field(
        OutskirtsConfig(),
        description="Walks that start at normal rows and leave them; null starts all of them at anomalies.",
    )
    reward: RewardConfig = RewardConfig()
    policy: PolicyConfig = PolicyConfig()
    cvae_training: BalancedTrainingConfig = BalancedTrainingConfig(epochs=5, max_steps=40, learning_rate=1e-3)
    detector_training: BalancedTrainingConfig = BalancedTrainingConfig(epochs=5, max_steps=40, learning_rate=5e-4)

    @model_validator(mode="after")
    def _keep_at_most_all(self) -> SynthesisConfig:
        if self.keep > self.steps_per_episode:
            raise ValueError(f"keep ({self.keep}) exceeds steps_per_episode ({self.steps_per_episode})")
        return self
