import pytest

from .official_mamba import OfficialMamba, load


@pytest.fixture(scope="session")
def official() -> OfficialMamba:
    return load()
