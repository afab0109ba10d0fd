"""Configuration of every stage: one frozen pydantic model each, with units and ranges.

The defaults are the laptop's budget and equal `conf/base`; `conf/paper` holds table 2 of the
paper, `conf/smoke` a budget of seconds for tests. Kedro turns `params:<stage>` into these models
and validates them before any node runs.
"""

from __future__ import annotations

from swift_hydra_kedro.config.base import Config
from swift_hydra_kedro.config.benchmark import BenchmarkConfig
from swift_hydra_kedro.config.data import PreparationConfig, RunConfig, TableConfig, TablesConfig
from swift_hydra_kedro.config.decision import DecisionConfig
from swift_hydra_kedro.config.detection import DetectionConfig, ExpertsConfig, GateConfig, NeighboursConfig
from swift_hydra_kedro.config.evaluation import EvaluationConfig
from swift_hydra_kedro.config.explanation import ExplanationConfig
from swift_hydra_kedro.config.mamba import AdditiveConfig, MambaConfig
from swift_hydra_kedro.config.mixann import DDPGConfig, MixAnNConfig
from swift_hydra_kedro.config.pretraining import CVAEConfig, DetectorConfig, JudgeConfig, PretrainingConfig
from swift_hydra_kedro.config.registration import RegistrationConfig
from swift_hydra_kedro.config.report import ReportConfig
from swift_hydra_kedro.config.scoring import DriftConfig, ScoringConfig
from swift_hydra_kedro.config.synthesis import OutskirtsConfig, PolicyConfig, RewardConfig, SynthesisConfig
from swift_hydra_kedro.config.training import BalancedTrainingConfig, TrainingConfig

__all__ = [
    "AdditiveConfig",
    "BalancedTrainingConfig",
    "BenchmarkConfig",
    "CVAEConfig",
    "Config",
    "DDPGConfig",
    "DecisionConfig",
    "DetectionConfig",
    "DetectorConfig",
    "DriftConfig",
    "EvaluationConfig",
    "ExpertsConfig",
    "ExplanationConfig",
    "GateConfig",
    "JudgeConfig",
    "MambaConfig",
    "MixAnNConfig",
    "NeighboursConfig",
    "OutskirtsConfig",
    "PolicyConfig",
    "PreparationConfig",
    "PretrainingConfig",
    "RegistrationConfig",
    "ReportConfig",
    "RewardConfig",
    "RunConfig",
    "ScoringConfig",
    "SwiftHydraConfig",
    "SynthesisConfig",
    "TableConfig",
    "TablesConfig",
    "TrainingConfig",
]


class SwiftHydraConfig(Config):
    """All stages of the method together, as the estimator takes them."""

    preparation: PreparationConfig = PreparationConfig()
    pretraining: PretrainingConfig = PretrainingConfig()
    synthesis: SynthesisConfig = SynthesisConfig()
    detection: DetectionConfig = DetectionConfig()
