"""A toy table for the experts, and settings small enough to train on it in a second."""

from __future__ import annotations

import torch

from swift_hydra_kedro.config import (
    AdditiveConfig,
    DetectionConfig,
    ExpertsConfig,
    GateConfig,
    MambaConfig,
    TrainingConfig,
)
from swift_hydra_kedro.detection.rows import TrainingRows

N_NORMAL, N_ANOMALOUS, N_SYNTHETIC = 80, 20, 10


def training_rows(n_synthetic: int = N_SYNTHETIC, shift: float = 2.0) -> TrainingRows:
    """Normal rows, anomalies shifted in the first two of four features, synthetic copies; clusters 0, 1, 2 in turn."""
    draw = torch.Generator().manual_seed(0)
    n_real = N_NORMAL + N_ANOMALOUS
    y = torch.cat([torch.zeros(N_NORMAL), torch.ones(N_ANOMALOUS + n_synthetic)])
    x = 0.7 * torch.randn(len(y), 4, generator=draw)
    x[:, :2] += shift * y.unsqueeze(1)
    return TrainingRows(
        x,
        y,
        torch.ones(len(y)),
        torch.arange(len(y)) % 3,
        torch.arange(len(y)) >= n_real,
    )


TRAINING = TrainingConfig(epochs=100, max_steps=60, batch_size=20, learning_rate=1e-2)
CONFIG = DetectionConfig(
    experts=ExpertsConfig(
        n_experts=4,
        committee_size=6,
        mixup=0.2,
        synthetic_share=0.2,
        full_share_rows=N_SYNTHETIC,
        synthetic_worth=8,
        max_clusters=5,
        mamba=MambaConfig(d_model=8, d_state=4, depth=1, bins=2, additive=AdditiveConfig()),
        training=TRAINING,
    ),
    gate=GateConfig(top_k=2, training=TRAINING, joint_training=TRAINING.model_copy(update={"max_steps": 20})),
)


def experts_config(**settings: object) -> ExpertsConfig:
    return CONFIG.experts.model_copy(update=settings)


def gate_config(**settings: object) -> DetectionConfig:
    return CONFIG.model_copy(update={"gate": CONFIG.gate.model_copy(update=settings)})
