"""Contributions are Shapley values: exact where they can be known, and those of the library shap elsewhere."""

from itertools import combinations
from math import factorial

import numpy as np
import pytest

from swift_hydra_kedro.explanation import shapley
from swift_hydra_kedro.explanation.shapley import shapley_values


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def x(rng):
    return rng.normal(size=(5, 4))


@pytest.fixture
def background(rng):
    return rng.normal(size=(30, 4))


def curved(x):
    """Interactions of all four columns, which are no two alike."""
    return np.tanh(x[:, 0] * x[:, 1] + x[:, 2]) * x[:, 3] + 2 * x[:, 1]


def exact(function, x, background, player):
    """The definition: a mean over all coalitions, weighted."""
    players = range(player.max() + 1)

    def worth(coalition):
        mixed = np.where(np.isin(player, coalition), x[:, np.newaxis], background)
        return function(mixed.reshape(-1, x.shape[1])).reshape(len(x), -1).mean(1)

    values = np.zeros((len(x), len(players)))
    for one in players:
        others = [other for other in players if other != one]
        for size in range(len(players)):
            weight = factorial(size) * factorial(len(others) - size) / factorial(len(players))
            for coalition in combinations(others, size):
                values[:, one] += weight * (worth([*coalition, one]) - worth(coalition))
    return values


def test_of_an_additive_function_they_are_exact(x, background, rng):
    weight = np.array([1.0, -2.0, 0.5, 3.0])
    values, base = shapley_values(lambda rows: rows @ weight, x, background, np.arange(4), rng)
    np.testing.assert_allclose(values, (x - background.mean(0)) * weight, atol=1e-12)
    assert base == pytest.approx(background.mean(0) @ weight)


def test_two_players_need_one_pair(x, background, rng):
    player = np.array([0, 0, 1, 1])
    values, _ = shapley_values(curved, x, background, player, rng)
    np.testing.assert_allclose(values, exact(curved, x, background, player), atol=1e-12)


@pytest.mark.parametrize("player", [[0, 1, 2, 3], [1, 0, 1, 2]])
def test_they_come_near_the_definition(x, background, rng, player):
    values, _ = shapley_values(curved, x, np.tile(background, (100, 1)), np.array(player), rng)
    np.testing.assert_allclose(values, exact(curved, x, background, np.array(player)), atol=0.05)


@pytest.mark.parametrize("player", [[0, 1, 2, 3], [0, 0, 0, 0]])
def test_they_and_the_base_add_up_to_the_function(x, background, rng, player):
    values, base = shapley_values(curved, x, background, np.array(player), rng)
    assert base == pytest.approx(curved(background).mean())
    np.testing.assert_allclose(values.sum(1) + base, curved(x), atol=1e-12)


def test_a_column_that_does_not_matter_gets_exactly_nothing(x, background, rng):
    values, _ = shapley_values(lambda rows: curved(rows[:, [0, 1, 3, 3]]), x, background, np.arange(4), rng)
    assert (values[:, 2] == 0).all()
    assert (values[:, 0] != 0).all()


def test_columns_that_play_the_same_part_get_the_same(rng):
    background = np.repeat(rng.normal(size=(2000, 1)), 3, axis=1)
    values, _ = shapley_values(lambda rows: np.exp(rows.sum(1) / 3), np.ones((1, 3)), background, np.arange(3), rng)
    np.testing.assert_allclose(values[0], values[0].mean(), rtol=0.03)


def test_what_is_said_of_a_row_does_not_depend_on_others_or_on_what_is_computed_at_once(x, background, monkeypatch):
    together, _ = shapley_values(curved, x, background, np.arange(4), np.random.default_rng(1))
    monkeypatch.setattr(shapley, "AT_ONCE", 100)
    for row, expected in zip(x, together, strict=True):
        alone, _ = shapley_values(curved, row[np.newaxis], background, np.arange(4), np.random.default_rng(1))
        np.testing.assert_array_equal(alone[0], expected)


def test_no_rows_are_no_error(x, background, rng):
    assert shapley_values(curved, x[:0], background, np.arange(4), rng)[0].shape == (0, 4)


def test_shap_gives_the_same(x, background, rng):
    import shap  # takes seconds

    theirs = shap.KernelExplainer(curved, background)
    values, base = shapley_values(curved, x, np.tile(background, (100, 1)), np.arange(4), rng)
    np.testing.assert_allclose(values, theirs.shap_values(x, silent=True), atol=0.05)
    assert base == pytest.approx(theirs.expected_value)
