"""C-VAE, single detector and judge (section 3.1)."""

from __future__ import annotations

from pydantic import Field

from swift_hydra_kedro.config.base import Config
from swift_hydra_kedro.config.mamba import AdditiveConfig, MambaConfig
from swift_hydra_kedro.config.training import BalancedTrainingConfig, TrainingConfig


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
