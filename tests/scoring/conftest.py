import pytest

from ..budgets import WIDE
from ..mixed_table import fitted_classifier, mixed_table


@pytest.fixture(scope="session")
def scorer():
    return fitted_classifier(threshold=0.3, detection=WIDE).scorer_


@pytest.fixture(scope="session")
def model(scorer):
    return scorer.to_checkpoint()


@pytest.fixture
def rows():
    rows = mixed_table(60, seed=1)[0]
    return rows.assign(name=[f"row {i}" for i in range(60)], further=1.0)[[*rows.columns[::-1], "further", "name"]]
