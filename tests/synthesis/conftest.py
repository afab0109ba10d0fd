"""A toy table of two normal clouds and a line of anomalies, with models trained on it for a second."""

import pytest
import torch

from swift_hydra_kedro.config import (
    BalancedTrainingConfig,
    CVAEConfig,
    DetectorConfig,
    MambaConfig,
    PretrainingConfig,
)
from swift_hydra_kedro.models.fitting import LabelledRows
from swift_hydra_kedro.synthesis.pretraining import Pretrained, pretrain


def toy_rows(n_normal: int = 120, n_anomalous: int = 20) -> LabelledRows:
    draw = torch.Generator().manual_seed(1)
    normal = 0.4 * torch.randn(n_normal, 4, generator=draw)
    normal[: n_normal // 2, 0] -= 1
    anomalous = 0.3 * torch.randn(n_anomalous, 4, generator=draw)
    anomalous[:, :2] += torch.linspace(0.8, 2, n_anomalous).unsqueeze(1)
    y = torch.cat([torch.zeros(n_normal), torch.ones(n_anomalous)])
    return LabelledRows(torch.cat([normal, anomalous]), y, torch.ones(len(y)))


TOY_CONFIG = PretrainingConfig(
    cvae=CVAEConfig(
        latent_size=3,
        hidden_size=24,
        kl_weight=0.02,
        training=BalancedTrainingConfig(max_steps=150, batch_size=64, learning_rate=1e-2),
    ),
    detector=DetectorConfig(
        mamba=MambaConfig(d_model=8, d_state=4, depth=1, bins=3),
        training=BalancedTrainingConfig(max_steps=40, batch_size=64, learning_rate=5e-3),
    ),
)


@pytest.fixture(scope="session")
def rows() -> LabelledRows:
    return toy_rows()


@pytest.fixture(scope="session")
def pretrained(rows) -> Pretrained:
    return pretrain(rows, None, TOY_CONFIG, seed=0)
