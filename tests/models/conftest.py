import pytest
import torch

from .official_mamba import OfficialMamba, load


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="session")
def official() -> OfficialMamba:
    return load()
