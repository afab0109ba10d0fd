"""Configuration of every stage: one frozen pydantic model each, with units and ranges.

The defaults are the laptop's budget and equal `conf/base`; `conf/paper` holds table 2 of the
paper, `conf/smoke` a budget of seconds for tests. Kedro turns `params:<stage>` into these models
and validates them before any node runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, RootModel, model_validator


class Config(BaseModel):
    """Base of all configuration: immutable, and a misspelt field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def with_overrides(cls, overrides: Mapping[str, Any] | None) -> Self:
        """Replace the fields that `overrides` names, at any depth, and keep the other defaults.

        Raises
        ------
        ValueError
            If a field is unknown or a value out of range.
        """
        return cls.model_validate(_merged(cls().model_dump(), overrides or {}))


class RunConfig(Config):
    """What one run is about: `--params=dataset=...,train_size=...,seed=...`."""

    dataset: str = Field(
        "digits", min_length=1, description="An ADBench file's stem, an embedded set, or a name under `tables`."
    )
    train_size: float = Field(0.4, gt=0, lt=1, description="Share of the rows used for training.")
    seed: int = Field(0, ge=0, lt=2**31, description="Seed of the split and of everything random after it.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where torch computes; auto takes CUDA if present."
    )


class TableConfig(Config):
    """A table of the user's own: a CSV, Parquet or npz file with a label column."""

    path: str = Field(
        min_length=1, description="File path; a relative one starts at the project's root. Any fsspec URL works."
    )
    label: str = Field("y", description="Name of the label column (of the label array in an npz file).")
    positive_label: str | int | float | bool = Field(1, description="The label's value that means anomaly.")
    id_columns: tuple[str, ...] = Field((), description="Columns that name a row and are no features.")
    categorical_columns: tuple[str, ...] = Field(
        (), description="Columns to one-hot encode although they hold numbers; text columns always are."
    )


class TablesConfig(RootModel[dict[str, TableConfig]]):
    """The user's tables by name (`tables` in `parameters_ingestion.yml`)."""

    model_config = ConfigDict(frozen=True)


class PreparationConfig(Config):
    """Split, imputation, encoding and scaling; all fitted on the training part alone."""

    clip: float = Field(10.0, gt=0, description="Standardised features are clipped to +-clip standard deviations.")
    max_categories: int = Field(
        32, ge=2, description="One-hot columns per categorical feature; rarer categories share one."
    )


class TrainingConfig(Config):
    """A budget of gradient steps: epochs * batches per epoch, at least min_steps, at most max_steps.

    With `sqrt_rows`, tables of more rows than that get `max_steps * sqrt(rows / sqrt_rows)` steps at most: they
    have more to teach, but not in proportion to their size.
    """

    epochs: int = Field(100, ge=1, description="Passes over the training rows.")
    min_steps: int = Field(1, ge=1, description="Least gradient steps, however few rows there are, up to max_steps.")
    max_steps: int | None = Field(None, ge=1, description="Upper bound on gradient steps; none if null.")
    sqrt_rows: int | None = Field(
        None, ge=1, description="Rows beyond which max_steps grows with the square root of the rows; never if null."
    )
    batch_size: int = Field(256, ge=2, description="Rows per gradient step.")
    learning_rate: float = Field(1e-3, gt=0, description="Adam's learning rate.")

    def steps(self, n_rows: int) -> int:
        """Gradient steps for a table of `n_rows` rows."""
        steps = max(self.min_steps, self.epochs * -(-n_rows // self.batch_size))
        if self.max_steps is None:
            return steps
        growth = 1.0 if self.sqrt_rows is None else max(1.0, n_rows / self.sqrt_rows) ** 0.5
        return min(steps, round(self.max_steps * growth))


class BalancedTrainingConfig(TrainingConfig):
    """A budget of gradient steps on rows that may be balanced on the way."""

    balanced: bool = Field(
        True,
        description="Draw half of each batch from the anomalies. Otherwise batches are drawn from all rows (C-VAE) "
        "or from Trim(rows), drawn once (detector), as algorithm 1 has it.",
    )


class AdditiveConfig(Config):
    """The additive path: linear in a row's views, trained apart from the blocks, averaged with them."""

    share: float = Field(
        0.3, gt=0, lt=1, description="Expected weight of its probability; rows not drawn by experts correct it."
    )
    caution: float = Field(
        3.0,
        ge=0,
        description="Part of 1 - AUC-ROC, times the root of the rarer class's rows, that a share further off by 1 must "
        "bring.",
    )
    penalty: float = Field(4.0, ge=0, description="Weight of half its squared weights, over the training rows.")
    learning_rate: float = Field(3e-2, gt=0, description="Adam's learning rate.")


class MambaConfig(Config):
    """A stack of Mamba blocks over a row (section 3.1 and table 2)."""

    block: Literal["mamba", "mlp", "transformer"] = Field(
        "mamba", description="What the stack is made of; the others are there for comparison."
    )
    d_model: int = Field(32, ge=1, description="Width of a token.")
    d_state: int = Field(16, ge=1, description="Size N of the state per channel.")
    d_conv: int = Field(4, ge=1, description="Taps of the causal convolution.")
    expand: int = Field(2, ge=1, description="Inner width / d_model.")
    depth: int = Field(2, ge=1, description="Number of blocks.")
    tokens: Literal["record", "feature"] = Field(
        "record",
        description="record: the row is one token. feature: each feature is a token, the scan runs over features.",
    )
    bins: int = Field(
        16,
        ge=0,
        description="Quantile bins of the piecewise-linear and normal views; 0 feeds the scaled features alone.",
    )
    additive: AdditiveConfig | None = Field(
        None, description="A path beside the blocks that adds up one curve per feature; none if null."
    )
    backend: Literal["auto", "torch", "mamba_ssm"] = Field(
        "auto",
        description="Selective scan: plain torch, or mamba-ssm's CUDA kernel; auto takes the kernel where it can run.",
    )


class CVAEConfig(Config):
    """The conditional VAE (eq. 1 and 2)."""

    latent_size: int = Field(32, ge=1, description="Latent size d.")
    hidden_size: int = Field(256, ge=1, description="Width of the two hidden layers.")
    kl_weight: float = Field(0.05, gt=0, lt=1, description="Weight p of the KL term; the reconstruction has 1 - p.")
    spectral_norm: bool = Field(
        False, description="Bound every decoder layer's spectral norm by 1, as theorem 1's proof does."
    )
    training: BalancedTrainingConfig = BalancedTrainingConfig(epochs=200, max_steps=400, learning_rate=3e-3)


class DetectorConfig(Config):
    """The single Mamba detector W (section 3.1)."""

    mamba: MambaConfig = MambaConfig(d_model=32, depth=1)
    holdout_share: float = Field(
        0.2, gt=0, lt=1, description="Training rows held out to choose the best state and to report AUC."
    )
    training: BalancedTrainingConfig = BalancedTrainingConfig(epochs=200, max_steps=400)


class JudgeConfig(Config):
    """The judge of synthetic anomalies: a committee of small detectors, bagged like the experts, on real rows alone."""

    n_detectors: int = Field(10, ge=1, description="Detectors in the committee.")
    mamba: MambaConfig = MambaConfig(d_model=16, depth=1, additive=AdditiveConfig())
    training: TrainingConfig = TrainingConfig(epochs=200, max_steps=400, batch_size=128, learning_rate=3e-3)


class PretrainingConfig(Config):
    """Pretraining of the C-VAE, of the single detector, and of the judge."""

    cvae: CVAEConfig = CVAEConfig()
    detector: DetectorConfig = DetectorConfig()
    judge: JudgeConfig = JudgeConfig()


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
    noise_samples: int = Field(1, ge=1, description="Points around a candidate that estimate its own kernel's entropy.")
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
        0.5, ge=0, le=1, description="Share of a random direction in the way out, the rest is the policy's."
    )
    min_rows: int = Field(100, ge=2, description="Least normal rows; fewer do not tell where the next ones will be.")
    max_references: int = Field(1000, ge=2, description="Most normal rows that tell where the region is.")


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
    patience: int = Field(3, ge=0, description="N: episodes without improvement before the loop stops.")
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


class NeighboursConfig(Config):
    """What the training rows near a row tell half of the experts (the densities of A.3 by their nearest points)."""

    min_rows: int = Field(
        100, ge=10, description="Least training rows of each class; with fewer there are no such columns."
    )
    n_candidates: int = Field(
        512, ge=10, description="Training rows of a class that a row is compared with; more are searched by cells."
    )
    max_references: int = Field(50_000, ge=10, description="Most training rows of a class that the model keeps.")


class ExpertsConfig(Config):
    """Clusters, their assignment to experts (eq. 6), and the experts' training."""

    n_experts: int = Field(20, ge=1, description="Number of experts M.")
    committee_size: int | None = Field(
        80,
        ge=1,
        description="Networks trained alike, the experts among them, whose mean all learn; null: only experts.",
    )
    committee_steps: int = Field(
        100_000,
        ge=1,
        description="Gradient steps of all of these together, beyond which there are fewer, down to the experts; each "
        "50 features of a table take as many again.",
    )
    selectivity: float = Field(
        2.5, ge=0, description="How much a network's AUC-ROC on rows that it has not drawn counts for its weight."
    )
    max_clusters: int = Field(10, ge=1, description="Most clusters the elbow method tries.")
    penalty: float = Field(1.0, ge=0, description="alpha of eq. 6, relative to the mean cluster size.")
    cluster_share: float = Field(
        0.3,
        ge=0,
        le=1,
        description="Share of an expert's rows drawn from its own cluster; the rest comes from everywhere.",
    )
    synthetic_share: float | None = Field(
        0.1,
        ge=0,
        lt=1,
        description="Most that synthetic rows take of an expert's anomalies; null draws real and synthetic ones alike.",
    )
    synthetic_rows: int = Field(
        160, ge=1, description="Synthetic rows that take this share; fewer take as much less: none fills in for others."
    )
    synthetic_worth: float = Field(
        4, gt=0, description="Real anomalies that all synthetic ones count for at most, however many are known."
    )
    bootstrap: bool = Field(
        True, description="Each expert draws its batches from its own bootstrap sample of the rows, as in bagging."
    )
    feature_share: float = Field(0.7, gt=0, le=1, description="Share of the features an expert sees.")
    mixed_views: bool = Field(
        True,
        description="Experts see different views of a feature (scaled, piecewise-linear, normal), not all of them.",
    )
    neighbours: NeighboursConfig | None = Field(
        NeighboursConfig(), description="Distances to training rows as further columns; none if null."
    )
    mixup: float = Field(0.2, ge=0, description="Beta parameter of mixup within the batch; 0 switches it off.")
    mamba: MambaConfig = MambaConfig(d_model=32, depth=1, additive=AdditiveConfig())
    training: TrainingConfig = TrainingConfig(
        epochs=60, min_steps=100, max_steps=1200, sqrt_rows=4096, batch_size=128, learning_rate=3e-3
    )

    def n_members(self, n_rows: int, n_features: int) -> int:
        """Networks to train on a table of that size: the experts, and those whose opinions they learn, too."""
        affordable = int(self.committee_steps / (1 + n_features / 50) / self.training.steps(n_rows))
        return max(self.n_experts, min(self.committee_size or 0, affordable))


class GateConfig(Config):
    """The noisy top-k gate (eq. 4 and 5)."""

    top_k: int = Field(2, ge=1, description="Experts k used per row.")
    balance_weight: float = Field(
        0.01, ge=0, description="Weight of the squared coefficient of variation of the experts' shares."
    )
    distil: bool = Field(
        True, description="Learn the mean of all experts; otherwise the labels, as eq. 4 is written for."
    )
    jitter: float = Field(
        2.0, ge=0, description="Most noise on every second row when distilling, in standard deviations of a feature."
    )
    expert_weight: float = Field(5.0, ge=0, description="Weight of the experts' own loss in the joint training.")
    focus: float = Field(
        0.5, ge=0, le=1, description="Share of that loss which counts on the rows that the gate gives an expert."
    )
    repeats: int = Field(4, ge=1, description="How often each answer of the committee is learnt in distillation.")
    training: TrainingConfig = TrainingConfig(epochs=200, max_steps=100, batch_size=128, learning_rate=1e-2)
    joint_training: TrainingConfig | None = TrainingConfig(
        epochs=100, min_steps=600, max_steps=600, sqrt_rows=4096, batch_size=128, learning_rate=3e-3
    )


class DetectionConfig(Config):
    """The inference module: a mixture of Mamba experts (section 3.2)."""

    experts: ExpertsConfig = ExpertsConfig()
    gate: GateConfig = GateConfig()
    calibrate: bool = Field(
        True,
        description="Map the scores to probabilities by what experts say of training rows outside their bootstrap "
        "sample. Otherwise they are as if half of all rows were anomalies.",
    )

    @model_validator(mode="after")
    def _top_k_at_most_all(self) -> DetectionConfig:
        if self.gate.top_k > self.experts.n_experts:
            raise ValueError(f"top_k ({self.gate.top_k}) exceeds n_experts ({self.experts.n_experts})")
        return self


class EvaluationConfig(Config):
    """What is compared, and at which threshold."""

    threshold: float = Field(0.2, ge=0, le=1, description="Decision threshold of Swift Hydra's scores (table 2).")
    baselines: tuple[str, ...] = Field(
        (
            "swift_hydra_no_synthesis",
            "smote",
            "extra_trees",
            "random_forest",
            "hist_gradient_boosting",
            "isolation_forest",
        ),
        description="Names from the registry of baselines.",
    )


class SwiftHydraConfig(Config):
    """All stages of the method together, as the estimator takes them."""

    preparation: PreparationConfig = PreparationConfig()
    pretraining: PretrainingConfig = PretrainingConfig()
    synthesis: SynthesisConfig = SynthesisConfig()
    detection: DetectionConfig = DetectionConfig()


def _merged(defaults: dict[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Replace values of `defaults`, going into what is a mapping on both sides."""
    merged = dict(defaults)
    for name, value in overrides.items():
        inner = defaults.get(name)
        if isinstance(inner, dict) and isinstance(value, Mapping):
            merged[name] = _merged(inner, value)
        else:
            merged[name] = value
    return merged
