"""Distances to training rows: the approximate search against an exact one, and rows described without themselves."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from swift_hydra_kedro.models.neighbours import (
    CLIP,
    FLOOR,
    GROUPS,
    N_DESCRIBED,
    NearestReferences,
    Neighbourhood,
    squared_distances_less_norm,
)

P = 3


def rows(n: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, P, generator=torch.Generator().manual_seed(seed))


def references(x: torch.Tensor, n_candidates: int) -> NearestReferences:
    return NearestReferences.fit(x, torch.arange(len(x)), n_candidates, torch.Generator().manual_seed(0))


def neighbourhood(x: torch.Tensor, y: torch.Tensor, max_references: int = 1000) -> Neighbourhood:
    return Neighbourhood.fit(x, y, 512, max_references, torch.Generator().manual_seed(0))


def log_distance(distance: np.ndarray) -> np.ndarray:
    return 0.5 * np.log(distance**2 / P + FLOOR**2)


@given(st.integers(1, 5), st.integers(1, 30), st.integers(1, 30))
def test_squared_distances_are_those_of_the_definition(p, n, m):
    a, b = (torch.randn(k, p, generator=torch.Generator().manual_seed(k), dtype=torch.float64) for k in (n, m))
    squared = squared_distances_less_norm(a, b) + a.square().sum(1, keepdim=True)
    torch.testing.assert_close(squared, (a.unsqueeze(1) - b).square().sum(-1), rtol=1e-9, atol=1e-9)


def test_with_few_references_the_nearest_is_found_exactly():
    x, new = rows(40), rows(25, seed=1)
    distance, _ = NearestNeighbors(n_neighbors=1).fit(x).kneighbors(new)
    np.testing.assert_allclose(references(x, 512)(new)[:, 0], log_distance(distance[:, 0]), rtol=1e-4)


def test_the_smoother_measure_is_the_mean_over_groups_of_the_candidates():
    x, new = rows(40), rows(25, seed=1)
    searched = references(x, 512)
    groups = np.array_split(searched.candidates[0].numpy(), GROUPS)
    nearest = [np.linalg.norm(new.numpy()[:, None] - x.numpy()[group], axis=-1).min(1) for group in groups]
    np.testing.assert_allclose(searched(new)[:, 1], log_distance(np.stack(nearest)).mean(0), rtol=1e-4)


def test_with_many_references_the_search_misses_few_and_never_finds_nearer_ones():
    x, new = rows(3000), rows(500, seed=1)
    searched = references(x, 128)
    assert len(searched.centres) > 1
    distance, _ = NearestNeighbors(n_neighbors=1).fit(x).kneighbors(new)
    found, true = searched(new)[:, 0].numpy(), log_distance(distance[:, 0])
    assert (found >= true - 1e-3).all()
    assert np.mean(found <= true + 1e-3) > 0.9


@pytest.mark.parametrize("n_candidates", [512, 50])
def test_a_row_is_found_at_no_distance_unless_it_does_not_count_for_itself(n_candidates):
    x = rows(200)
    searched = references(x, n_candidates)
    found = np.isclose(searched(x)[:, 0], np.log(FLOOR), atol=0.01)
    assert found.mean() > (0.9 if n_candidates < 200 else 0.999)
    without = searched(x, torch.arange(len(x)))[:, 0].numpy()
    distance, _ = NearestNeighbors(n_neighbors=2).fit(x).kneighbors(x)
    assert (without >= log_distance(distance[:, 1]) - 1e-3).all()


def test_a_row_s_distances_do_not_depend_on_the_rows_beside_it():
    searched = references(rows(2000), 64).double()
    new = rows(300, seed=1).double()
    together = searched(new)
    torch.testing.assert_close(torch.cat([searched(part) for part in new.split(7)]), together, rtol=0, atol=1e-9)
    torch.testing.assert_close(searched(new.flip(0)).flip(0), together, rtol=0, atol=1e-9)


def test_no_rows_give_no_distances():
    assert references(rows(40), 512)(torch.empty(0, P)).shape == (0, 2)


def two_groups(n: int = 100) -> tuple[torch.Tensor, torch.Tensor]:
    y = (torch.arange(n) % 4 == 0).float()
    return rows(n) + 4 * y.unsqueeze(1), y


def test_new_columns_tell_the_classes_apart_and_the_old_ones_stay():
    x, y = two_groups()
    described = neighbourhood(x, y)(x)
    assert described.shape == (len(x), P + N_DESCRIBED)
    torch.testing.assert_close(described[:, :P], x)
    for difference in (described[:, P + 3], described[:, -1]):  # of the distances from the nearest of each class
        assert difference[y == 1].min() > difference[y == 0].max()


def test_training_rows_are_described_without_themselves_in_standardised_columns():
    x, y = two_groups()
    hood = neighbourhood(x, y)
    columns = hood.describe_training_rows(x, x[:0])[:, P:]
    np.testing.assert_allclose(columns.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(columns.std(0), 1, atol=1e-5)
    row = 4  # an anomaly; the hood without it sees it as the whole hood sees it in training
    others = torch.arange(len(x)) != row
    alone = neighbourhood(x[others], y[others])
    raw = columns[row] * hood.scale + hood.mean
    expected = alone(x[row : row + 1])[0, P:] * alone.scale + alone.mean
    torch.testing.assert_close(raw[3], expected[3], rtol=1e-3, atol=1e-3)  # groups differ, the nearest does not


def test_no_training_row_is_its_own_neighbour_in_either_space():
    x, y = two_groups()
    hood = neighbourhood(x, y)
    columns = hood.describe_training_rows(x, x[:0])[:, P:] * hood.scale + hood.mean
    for located, difference in ((x, columns[:, 3]), (hood.ranked.ranks(x), columns[:, 7])):
        apart = torch.cdist(located, located).fill_diagonal_(torch.inf).numpy()
        nearest = [log_distance(apart[:, (y == label).numpy()].min(1)) for label in (0, 1)]
        np.testing.assert_allclose(difference, nearest[0] - nearest[1], atol=1e-3)


def test_by_ranks_the_scale_of_a_feature_does_not_matter():
    x, y = two_groups()
    bent = torch.stack([x[:, 0], x[:, 1].exp(), x[:, 2] ** 3], dim=1)
    straight, crooked = (neighbourhood(rows_, y)(rows_)[:, P:] for rows_ in (x, bent))
    torch.testing.assert_close(crooked[:, 4:], straight[:, 4:], rtol=0, atol=1e-4)
    assert not torch.allclose(crooked[:, :4], straight[:, :4], atol=0.1)


def test_a_synthetic_anomaly_does_not_see_the_one_it_was_made_from():
    x, y = two_groups()
    hood = neighbourhood(x, y)
    parent = 8
    synthetic = x[parent : parent + 1] + 1e-4
    described = hood.describe_training_rows(x, synthetic)
    for column in (P + 1, P + 5):  # how near anomalies are, in both spaces
        torch.testing.assert_close(described[-1, column], described[parent, column], rtol=1e-2, atol=1e-2)


def test_at_most_so_many_rows_of_a_class_are_kept():
    x, y = two_groups()
    hood = neighbourhood(x, y, max_references=20)
    for space in (hood.scaled, hood.ranked):
        assert len(space.normal.references) == len(space.anomalous.references) == 20
        assert (y[space.normal.rows] == 0).all()
        assert (y[space.anomalous.rows] == 1).all()


def test_far_rows_are_clipped():
    x, y = two_groups()
    assert neighbourhood(x, y)(x + 1e6)[:, P:].abs().max() <= CLIP
