"""Distances to training rows: the approximate search against an exact one, and rows described without themselves."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from swift_hydra_kedro.models import neighbours
from swift_hydra_kedro.models.layers import MULTIPLE
from swift_hydra_kedro.models.neighbours import (
    CLIP,
    FLOOR,
    GROUPS,
    N_DESCRIBED,
    Neighbourhood,
    References,
    lifted,
    ranks_say_more,
    with_one,
)
from swift_hydra_kedro.models.ranks import Ranks

P = 3


def rows(n: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, P, generator=torch.Generator().manual_seed(seed))


def neighbourhood(
    x: torch.Tensor,
    y: torch.Tensor,
    n_candidates: int = 512,
    max_references: int = 10_000,
    **changes: bool,
) -> Neighbourhood:
    return Neighbourhood.fit(x, y, n_candidates, max_references, torch.Generator().manual_seed(0), **changes)


def log_distance(distance: np.ndarray) -> np.ndarray:
    return 0.5 * np.log(distance**2 / P + FLOOR**2)


def located(hood: Neighbourhood, x: torch.Tensor) -> list[tuple[References, torch.Tensor]]:
    return [(hood.scaled, x), (hood.ranked, hood.ranks(x))]


def true_distance(x: torch.Tensor, y: torch.Tensor, new: torch.Tensor, n: int = 1) -> np.ndarray:
    """Log distance of new rows from the n-th nearest of each class, `(2, B)`."""
    searches = [NearestNeighbors(n_neighbors=n).fit(x[y == label]) for label in (0, 1)]
    return log_distance(np.stack([search.kneighbors(new)[0][:, -1] for search in searches]))


@given(st.integers(1, 5), st.integers(1, 30), st.integers(1, 30))
def test_products_of_lifted_rows_are_squared_distances_but_for_a_norm(p, n, m):
    a, b = (torch.randn(k, p, generator=torch.Generator().manual_seed(k), dtype=torch.float64) for k in (n, m))
    squared = with_one(a) @ lifted(b).T + a.square().sum(1, keepdim=True)
    torch.testing.assert_close(squared, (a.unsqueeze(1) - b).square().sum(-1), rtol=1e-9, atol=1e-9)


def test_with_few_references_the_nearest_are_found_exactly():
    (x, y), new = two_groups(), rows(25, seed=1)
    hood = neighbourhood(x, y)
    for (space, known), (_, asked) in zip(located(hood, x), located(hood, new), strict=True):
        assert len(space.centres) == 1
        np.testing.assert_allclose(space(asked).amin(1), true_distance(known, y, asked), rtol=1e-4, atol=1e-4)


def test_distances_are_from_the_nearest_of_each_group_of_candidates():
    (x, y), new = two_groups(), rows(25, seed=1)
    hood = neighbourhood(x, y)
    for (space, known), (_, asked) in zip(located(hood, x), located(hood, new), strict=True):
        found = space(asked)
        assert found.shape == (2, GROUPS, len(new))
        apart = torch.cdist(asked.double(), known.double()).numpy()  # (B, N)
        for label in (0, 1):
            for number in range(GROUPS):
                members = hood.rows[space.candidates[0, label, number]]
                assert (y[members] == label).all()
                expected = log_distance(apart[:, members].min(1))
                np.testing.assert_allclose(found[label, number], expected, rtol=1e-3, atol=1e-3)


def test_all_references_are_candidates_of_one_group_alone_if_they_are_few():
    x, y = two_groups(103)
    for candidates in neighbourhood(x, y).scaled.candidates[0]:
        groups = [set(group.tolist()) for group in candidates]
        assert sum(map(len, groups)) == len(set.union(*groups))
    assert len(neighbourhood(x, y).scaled.candidates.unique()) == 103


@pytest.mark.parametrize(("n_normal", "n_anomalous"), [(3000, 3000), (3000, 60), (60, 3000)])
def test_with_many_references_the_search_misses_few_and_never_finds_nearer_ones(n_normal, n_anomalous):
    y = torch.cat([torch.zeros(n_normal), torch.ones(n_anomalous)])
    x, new = (rows(len(y)) + y.unsqueeze(1)).double(), (rows(500, seed=1) + 0.5).double()
    hood = neighbourhood(x, y, n_candidates=128)
    for (space, known), (_, asked) in zip(located(hood, x), located(hood, new), strict=True):
        assert len(space.centres) > 1
        found, true = space(asked).amin(1).numpy(), true_distance(known, y, asked)
        assert (found >= true - 1e-3).all()
        assert (np.mean(found <= true + 1e-3, axis=-1) > 0.9).all()


@pytest.mark.parametrize("n_candidates", [512, 50])
def test_a_row_is_found_at_no_distance_unless_it_does_not_count_for_itself(n_candidates):
    x, y = two_groups(400)
    x = x.double()  # from far off the origin, the distance of a row from itself is lost in single precision
    hood = neighbourhood(x, y, n_candidates)
    own_class = (y.long(), torch.arange(len(x)))
    for space, known in located(hood, x):
        found = space(known).amin(1)[own_class]
        assert np.isclose(found, np.log(FLOOR), atol=0.01).mean() > (0.9 if n_candidates < 100 else 0.999)
        without = space(known, hood.reference_of_training_rows(len(x))).amin(1)[own_class].numpy()
        assert (without >= true_distance(known, y, known, n=2)[own_class] - 1e-3).all()


@pytest.mark.parametrize("n_candidates", [512, 64])
def test_a_row_is_described_the_same_to_the_bit_whatever_rows_fill_up_its_part(n_candidates):
    hood = neighbourhood(*two_groups(2000), n_candidates)
    new = rows(41 * MULTIPLE, seed=1)
    together = hood(new)
    assert torch.equal(torch.cat([hood(part) for part in new.split(MULTIPLE)]), together)
    assert torch.equal(hood(new.flip(0)).flip(0), together)


@pytest.mark.parametrize("n_features", [2, 70])
def test_rows_that_take_many_blocks_of_memory_are_described_the_same(monkeypatch, n_features):
    x = torch.randn(500, n_features, generator=torch.Generator().manual_seed(0))
    hood = neighbourhood(x, (x[:, 0] > 0.5).float(), n_candidates=20)
    at_once = hood(x)
    monkeypatch.setattr(neighbours, "MEMORY", 2**12)
    assert torch.equal(hood(x), at_once)


@pytest.mark.parametrize("n_anomalies", [1, 3, 7])
def test_a_model_that_goes_on_may_meet_a_class_of_few_rows(n_anomalies):
    y = (torch.arange(60) < n_anomalies).float()
    x, new = rows(60) + 4 * y.unsqueeze(1), rows(25, seed=1)
    hood = neighbourhood(x, y)
    np.testing.assert_allclose(hood.scaled(new).amin(1), true_distance(x, y, new), rtol=1e-4, atol=1e-4)
    assert hood.describe_training_rows(x, x[:2]).isfinite().all()


def test_no_rows_give_no_distances():
    hood = neighbourhood(*two_groups())
    assert hood(torch.empty(0, P)).shape == (0, P + 2 * N_DESCRIBED[2])


def two_groups(n: int = 100) -> tuple[torch.Tensor, torch.Tensor]:
    y = (torch.arange(n) % 4 == 0).float()
    return rows(n) + 4 * y.unsqueeze(1), y


def test_new_columns_tell_the_classes_apart_and_the_old_ones_stay():
    x, y = two_groups()
    described = neighbourhood(x, y)(x)
    assert described.shape == (len(x), P + 2 * N_DESCRIBED[2])
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
    for located, difference in ((x, columns[:, 3]), (hood.ranks(x), columns[:, 7])):
        apart = torch.cdist(located, located).fill_diagonal_(torch.inf).numpy()
        nearest = [log_distance(apart[:, (y == label).numpy()].min(1)) for label in (0, 1)]
        np.testing.assert_allclose(difference, nearest[0] - nearest[1], atol=1e-3)


def test_by_ranks_the_scale_of_a_feature_does_not_matter():
    x, y = two_groups()
    bent = torch.stack([x[:, 0], x[:, 1].exp(), x[:, 2] ** 3], dim=1)
    straight, crooked = (neighbourhood(rows_, y)(rows_)[:, P:] for rows_ in (x, bent))
    torch.testing.assert_close(crooked[:, 4:], straight[:, 4:], rtol=0, atol=1e-4)
    assert not torch.allclose(crooked[:, :4], straight[:, :4], atol=0.1)


def test_of_features_of_two_values_ranks_say_no_more_than_the_scaled_features():
    chance = torch.tensor([0.5, 0.9, 0.99])
    x = torch.where(torch.rand(300, P, generator=torch.Generator().manual_seed(0)) < chance, 1.0, -1.0)
    x = x - x.mean(0)  # as they are prepared
    assert not ranks_say_more(x)
    assert ranks_say_more(torch.cat([x, x[:1] + 0.5]))
    assert ranks_say_more(x * torch.tensor([1.0, 1.0, 1.01]))  # another gap, as of a feature that was cut off
    assert not ranks_say_more(torch.ones(5, 2))
    ranks = Ranks.fit(x.numpy())(x)
    apart, apart_by_ranks = torch.cdist(x, x), torch.cdist(ranks, ranks)
    torch.testing.assert_close(apart_by_ranks / 3**0.5, apart / 2, rtol=1e-3, atol=1e-3)


def test_without_ranks_the_other_columns_are_the_same():
    x, y = two_groups()
    both, one = (neighbourhood(x, y, by_ranks=by_ranks)(x) for by_ranks in (True, False))
    assert one.shape[1] == P + N_DESCRIBED[2]
    assert torch.equal(one, both[:, : one.shape[1]])


def test_a_synthetic_anomaly_does_not_see_the_one_it_was_made_from():
    x, y = two_groups()
    hood = neighbourhood(x, y)
    parent = 8
    synthetic = x[parent : parent + 1] + 1e-4
    described = hood.describe_training_rows(x, synthetic)
    for column in (P + 1, P + 5):  # how near anomalies are, in both spaces
        torch.testing.assert_close(described[-1, column], described[parent, column], rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("n_candidates", [512, 20])
def test_normal_rows_alone_say_how_near_they_are_and_no_more(n_candidates):
    x, y = two_groups()
    both, alone = (neighbourhood(x, y, n_candidates, with_anomalies=both) for both in (True, False))
    new = rows(25, seed=1)
    described = alone(new)
    assert described.shape == (len(new), P + 2 * N_DESCRIBED[1])
    torch.testing.assert_close(described[:, :P], new)
    assert (y[alone.rows] == 0).all()
    assert not alone.with_anomalies
    if n_candidates == 512:  # then all rows are candidates, in other groups
        nearest = [hood.scaled(new).amin(1)[0] for hood in (both, alone)]
        torch.testing.assert_close(*nearest)


def test_normal_rows_alone_leave_out_themselves_but_no_synthetic_rows_parent():
    x, y = two_groups()
    hood = neighbourhood(x, y, with_anomalies=False)
    described = hood.describe_training_rows(x, x[:1])  # a synthetic row where the first is, an anomaly
    torch.testing.assert_close(described[-1], described[0])
    described = described[: len(x)]
    torch.testing.assert_close(described[y == 1], hood(x[y == 1]))
    normal = (y == 0).nonzero()[0]
    assert (described[normal, P:] > hood(x[normal])[:, P:]).all()


def test_at_most_so_many_rows_of_a_class_are_kept():
    x, y = two_groups()
    hood = neighbourhood(x, y, max_references=20)
    assert y[hood.rows].tolist() == 20 * [0] + 20 * [1]
    torch.testing.assert_close(hood.scaled.rows, lifted(x[hood.rows]))
    torch.testing.assert_close(hood.ranked.rows, lifted(hood.ranks(x[hood.rows])))


def test_far_rows_are_clipped():
    x, y = two_groups()
    assert neighbourhood(x, y)(x + 1e6)[:, P:].abs().max() <= CLIP
