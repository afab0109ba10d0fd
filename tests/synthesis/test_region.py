import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from swift_hydra_kedro.config import OutskirtsConfig
from swift_hydra_kedro.synthesis.region import NormalRegion

CONFIG = OutskirtsConfig()
NORMALS = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))


def fit(normals=NORMALS, **settings):
    return NormalRegion.fit(normals, CONFIG.model_copy(update=settings), torch.Generator().manual_seed(0))


def distance(x, references=NORMALS):
    """Distance from the nearest reference, row by row."""
    return torch.stack([(row - references).square().sum(1).sqrt().min() for row in x])


def test_the_limit_is_a_quantile_of_the_distances_between_neighbours():
    nearest = [float(distance(NORMALS[i : i + 1], torch.cat([NORMALS[:i], NORMALS[i + 1 :]]))) for i in range(200)]
    assert fit(quantile=0.9).limit == pytest.approx(np.quantile(nearest, 0.9), rel=1e-5)


def test_it_holds_the_normal_rows_and_what_is_near_them():
    region = fit()
    assert region.contains(NORMALS).all()
    near = torch.tensor([[0.99], [1.01]]) * region.limit  # beyond the outermost row
    outermost = NORMALS[NORMALS[:, 0].argmax()]
    assert region.contains(outermost + near * torch.tensor([1.0, 0, 0])).tolist() == [True, False]


def test_copies_of_a_row_do_not_shrink_the_region():
    copies = torch.cat([NORMALS, NORMALS[:1].expand(5000, -1)])
    assert fit(copies, max_references=10_000).limit == pytest.approx(fit().limit, rel=0.05)


def test_without_two_different_rows_there_is_none():
    assert fit(torch.ones(200, 3)) is None
    assert fit(torch.ones(1, 3), min_rows=2) is None


def test_with_few_rows_there_is_none():
    assert fit(NORMALS[:100]) is not None
    assert fit(NORMALS[:99]) is None


def test_at_most_so_many_rows_are_kept():
    assert len(fit(max_references=50).references) == 50
    assert len(fit().references) == 200


def test_share_outside_follows_the_rule_of_succession():
    region = fit()
    inside, outside = NORMALS[:3], NORMALS[:2] + 100
    assert region.share_outside(inside) == pytest.approx(1 / 5)
    assert region.share_outside(outside) == pytest.approx(3 / 4)
    assert region.share_outside(torch.cat([inside, outside])) == pytest.approx(3 / 7)


@given(arrays(np.float32, (20, 3), elements=st.floats(-10, 10, width=32)), st.floats(0.01, 1))
def test_rows_leave_the_region_but_not_by_far(direction, scatter):
    region = fit(scatter=scatter)
    left = region.leave(NORMALS[:20], torch.as_tensor(direction), torch.Generator().manual_seed(1))
    assert (distance(left) <= CONFIG.reach * region.limit * 1.001).all()
    assert (~region.contains(left)).float().mean() > 0.8  # some end a hair's breadth before the limit


def test_without_scatter_rows_go_where_they_are_sent():
    direction = torch.randn(200, 3, generator=torch.Generator().manual_seed(2))
    left = fit(scatter=0.0).leave(NORMALS, direction, torch.Generator().manual_seed(1))
    cosine = torch.cosine_similarity(left - NORMALS, direction)
    torch.testing.assert_close(cosine, torch.ones(200))


def test_scatter_turns_rows_by_the_spread_of_each_feature():
    wide = NORMALS * torch.tensor([10.0, 1.0, 0.1])
    left = fit(wide, scatter=1.0).leave(wide, torch.ones(200, 3), torch.Generator().manual_seed(1))
    moved = (left - wide).abs().mean(0)
    assert moved[0] > 3 * moved[1] > 9 * moved[2]


def test_without_direction_and_scatter_rows_stay():
    left = fit(scatter=0.0).leave(NORMALS, torch.zeros(200, 3), torch.Generator().manual_seed(1))
    assert torch.equal(left, NORMALS)
