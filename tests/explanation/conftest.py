import pytest

from ..budgets import WIDE
from ..mixed_table import fitted_classifier, mixed_table


@pytest.fixture(scope="session")
def scorer():
    return fitted_classifier(threshold=0.3, detection=WIDE).scorer_


@pytest.fixture
def rows():
    return mixed_table(60, seed=1)[0]
