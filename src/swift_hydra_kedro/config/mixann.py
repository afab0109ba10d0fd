"""MixAnN (Lai et al., CIKM 2023): mix-up of normal rows and anomalies, decided by a learned policy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from swift_hydra_kedro.config.base import Config

MixAnNClassifier = Literal["knn", "xgboost", "mlp"]


class DDPGConfig(Config):
    """Deep deterministic policy gradient (section 3.4); the paper gives none of these numbers."""

    hidden_size: int = Field(64, ge=1, description="Width of the two hidden layers of actor and critic.")
    actor_learning_rate: float = Field(3e-4, gt=0, description="Adam's learning rate of the actor (eq. 3).")
    critic_learning_rate: float = Field(1e-3, gt=0, description="Adam's learning rate of the critic (eq. 4).")
    discount: float = Field(0.9, ge=0, lt=1, description="gamma: what a reward one step later is worth.")
    polyak: float = Field(
        0.01, gt=0, le=1, description="Share of the networks that their targets take over with each update."
    )
    noise: float = Field(0.2, ge=0, description="Standard deviation of the exploration of actions in [0, 1].")
    random_steps: int = Field(150, ge=0, description="First steps, whose actions are uniform random ones.")
    batch_size: int = Field(64, ge=1, description="Transitions per update; the first waits until there are as many.")
    buffer_size: int = Field(10_000, ge=1, description="Latest transitions that are remembered.")
    updates_per_step: int = Field(1, ge=1, description="S: updates after each step of mixing (algorithm 1, line 18).")


class MixAnNConfig(Config):
    """MixAnN: which classifiers it augments for, the process of mixing, the reward, and the budget."""

    classifiers: tuple[MixAnNClassifier, ...] = Field(
        ("knn", "xgboost", "mlp"), min_length=1, description="Downstream classifiers; each gets a policy of its own."
    )
    train_size: float = Field(0.8, gt=0, lt=1, description="Share of the rows used for training, in this pipeline.")
    validation_size: float = Field(
        0.2, gt=0, lt=1, description="Share of the training rows on which a classifier's improvement is measured."
    )
    max_neighbours: int = Field(10, ge=1, description="K: the greatest k; the paper chooses it from 5 to 25.")
    max_copies: int = Field(5, ge=1, description="The greatest n: how often a synthetic row joins the training rows.")
    label_threshold: float = Field(
        0.3,
        ge=0,
        le=1,
        description="eta: least share alpha of the anomaly in a mixture that is called an anomaly (eq. 2).",
    )
    reward: Literal["full", "improvement", "exploration", "random"] = Field(
        "full", description="Both terms, eq. 5 alone, eq. 6 alone, or a uniform random number (table 4)."
    )
    reward_scale: float = Field(10.0, gt=0, description="lambda: what the reward is multiplied by.")
    baseline_window: int = Field(25, ge=1, description="m: preceding steps whose mean F1 is the baseline of eq. 5.")
    training_steps: int = Field(
        600, ge=1, description="Steps of mixing in which a policy is trained, over all episodes."
    )
    policies: int = Field(3, ge=1, description="Policies that are trained; the best on the validation rows is taken.")
    max_episode_steps: int = Field(
        25, ge=1, description="Steps after which an episode ends if the policy does not end it."
    )
    augmentation_steps: int = Field(300, ge=1, description="Steps of a trained policy that make the synthetic rows.")
    update_rows: int = Field(
        1000, ge=1, description="Most real rows, drawn at random, that the MLP sees again with new synthetic ones."
    )
    update_rounds: int = Field(2, ge=1, description="Boosting rounds that XGBoost adds when synthetic rows join.")
    max_rows: int = Field(20_000, ge=10, description="Most training rows that the search looks at, drawn at random.")
    ddpg: DDPGConfig = DDPGConfig()
