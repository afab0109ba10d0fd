import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from swift_hydra_kedro.baselines.oversamplers.standardisation import Standardisation, generator_of

CPU = torch.device("cpu")


@pytest.fixture
def rows():
    """Two columns that vary, and one whose mean is not exactly what it is throughout."""
    rows = np.random.default_rng(0).normal(5, 3, size=(20, 3))
    rows[:, 2] = 0.1
    return rows


def test_columns_become_scikit_learns(rows):
    standardised = Standardisation.fit(rows).apply(rows, CPU)
    np.testing.assert_allclose(standardised.numpy(), StandardScaler().fit_transform(rows), atol=1e-6)


def test_rows_come_back(rows):
    standardisation = Standardisation.fit(rows)
    np.testing.assert_allclose(standardisation.undo(standardisation.apply(rows, CPU)), rows, rtol=1e-6)


def test_a_constant_column_comes_back_exactly_whatever_a_network_makes_of_it(rows):
    made = Standardisation.fit(rows).undo(torch.full((4, 3), 7.0))
    np.testing.assert_array_equal(made[:, 2], [0.1] * 4)


def test_equal_random_states_give_equal_generators():
    first, second = (torch.rand(3, generator=generator_of(np.random.default_rng(1), CPU)) for _ in range(2))
    assert torch.equal(first, second)
