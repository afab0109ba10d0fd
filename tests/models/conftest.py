import pytest
import torch

from .official_mamba import OfficialMamba, load


@pytest.fixture(scope="session")
def official() -> OfficialMamba:
    return load()


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)
