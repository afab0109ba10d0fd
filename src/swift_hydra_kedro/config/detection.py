"""The inference module: experts and gate (section 3.2)."""

from __future__ import annotations

from pydantic import Field, model_validator

from swift_hydra_kedro.config.base import Config
from swift_hydra_kedro.config.mamba import AdditiveConfig, MambaConfig
from swift_hydra_kedro.config.training import TrainingConfig


class NeighboursConfig(Config):
    """What the training rows near a row tell half of the experts (the densities of A.3 by their nearest points)."""

    min_rows: int = Field(
        100,
        ge=10,
        description="Least training rows of a class that a row is compared with; with fewer anomalies the columns are "
        "about normal rows alone, with fewer normal rows there are none.",
    )
    noise: float = Field(
        1.5,
        ge=0,
        description="Standard deviation of the noise on these columns in the experts' training where the classes that "
        "rows are compared with have just `min_rows` rows; less in proportion to the geometric mean of their numbers.",
    )
    n_candidates: int = Field(
        256, ge=10, description="Training rows of a class that a row is compared with; more are searched by cells."
    )
    max_references: int = Field(20_000, ge=10, description="Most training rows of a class that the model keeps.")
    min_worth: float = Field(
        0.001,
        ge=0,
        description="Least AUC-ROC that the columns may be worth to the committee, on rows that its networks have not "
        "drawn, for the mixture to have them too: to find neighbours takes half of the time of scoring. Columns about "
        "normal rows alone it always has.",
    )


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
    full_share_rows: int = Field(
        160, ge=1, description="Synthetic rows from which on they take `synthetic_share`; fewer take as much less."
    )
    synthetic_worth: float = Field(
        0.5, gt=0, description="Real anomalies that all synthetic ones count for at most, however many are known."
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
    continued: float = Field(
        0.25, gt=0, le=1, description="Share of the steps that experts and gate take which go on from a trained model."
    )
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
        0.01,
        ge=0,
        description="Weight of the squared coefficient of variation of the experts' shares of the training rows.",
    )
    distil: bool = Field(
        True, description="Learn the mean of all experts; otherwise the labels, as eq. 4 is written for."
    )
    jitter: float = Field(
        2.0, ge=0, description="Most noise on every second row when distilling, in standard deviations of a feature."
    )
    expert_weight: float = Field(5.0, ge=0, description="Weight of the experts' own loss in the joint training.")
    focus: float = Field(
        0.75, ge=0, le=1, description="Share of that loss which counts on the rows that the gate gives an expert."
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
