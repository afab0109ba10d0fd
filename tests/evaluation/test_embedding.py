import numpy as np
import pytest

from swift_hydra_kedro.evaluation.embedding import embed, sample


def groups(rng, width=6):
    return {"left": rng.normal(size=(40, width)), "none": np.empty((0, width)), "right": rng.normal(8, 1, (30, width))}


def test_groups_share_a_plane_and_keep_their_names_and_sizes(rng):
    points = embed(groups(rng))
    assert {name: part.shape for name, part in points.items()} == {"left": (40, 2), "none": (0, 2), "right": (30, 2)}
    towards = points["right"].mean(0) - points["left"].mean(0)
    assert (points["left"] @ towards).max() < (points["right"] @ towards).min()


def test_two_features_stay_as_they_are(rng):
    rows = groups(rng, width=2)
    for name, points in embed(rows).items():
        np.testing.assert_array_equal(points, rows[name])


def test_equal_rows_give_equal_points(rng):
    rows = groups(rng)
    first, again = (embed(rows)["left"] for _ in range(2))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize(("limit", "expected"), [(5, 5), (12, 12), (50, 12)])
def test_a_sample_has_rows_of_the_table_each_at_most_once(rng, limit, expected):
    drawn = sample(np.arange(24).reshape(12, 2), limit, rng)
    assert len({tuple(row) for row in drawn}) == len(drawn) == expected
    assert {tuple(row) for row in drawn} <= {(i, i + 1) for i in range(0, 24, 2)}
