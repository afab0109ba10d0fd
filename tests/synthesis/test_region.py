import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from swift_hydra_kedro.config import OutskirtsConfig
from swift_hydra_kedro.models.fitting import LabelledRows
from swift_hydra_kedro.synthesis.region import NormalRegion, Outskirts

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
    copies = torch.cat([NORMALS, NORMALS[:1].expand(500, -1)])
    assert fit(copies).limit == pytest.approx(fit().limit, rel=1e-5)


@pytest.mark.parametrize("normals", [NORMALS[:99], NORMALS[:99].repeat(5, 1), torch.ones(200, 3), NORMALS[:0]])
def test_with_few_different_rows_there_is_none(normals):
    assert fit(normals) is None
    assert fit(NORMALS[:100]) is not None


def test_at_most_so_many_rows_are_kept():
    assert len(fit(max_references=150).references) == 150
    assert len(fit().references) == 200


def test_a_table_far_from_the_origin_has_the_same_region():
    shifted = fit(1e-3 * NORMALS + 5)
    assert shifted.limit == pytest.approx(1e-3 * fit().limit, rel=1e-3)
    left = shifted.leave(shifted.references, torch.randn(200, 3), torch.Generator().manual_seed(1))
    assert (distance(left, shifted.references) <= 1.51 * shifted.limit).all()


def test_share_outside_follows_the_rule_of_succession():
    region = fit()
    inside, outside = NORMALS[:3], NORMALS[:2] + 100
    assert region.share_outside(inside) == pytest.approx(1 / 5)
    assert region.share_outside(outside) == pytest.approx(3 / 4)
    assert region.share_outside(torch.cat([inside, outside])) == pytest.approx(3 / 7)


@given(arrays(np.float32, (20, 3), elements=st.floats(-10, 10, width=32)), st.floats(0.01, 1))
@example(np.ones((20, 3), dtype=np.float32), 0.44483461035736016)  # a row passes close by another: its steps are short
def test_rows_leave_the_region_but_not_by_far(direction, scatter):
    region = fit(scatter=scatter)
    left = region.leave(NORMALS[:20], torch.as_tensor(direction), torch.Generator().manual_seed(1))
    assert (distance(left) <= CONFIG.reach * region.limit * 1.001).all()
    assert (distance(left) >= 0.99 * region.limit).all()
    assert (~region.contains(left)).float().mean() > 0.8


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


def test_features_of_two_values_keep_them():
    flags = (NORMALS[:, :2] > 0).float()
    mixed = torch.cat([NORMALS, flags], dim=1)
    assert fit((torch.rand(200, 20) > 0.5).float()) is None
    left = fit(mixed).leave(mixed, torch.randn(200, 5), torch.Generator().manual_seed(1))
    assert torch.equal(left[:, 3:], flags)
    assert (left[:, :3] != NORMALS).all()


def test_without_direction_and_scatter_rows_stay():
    left = fit(scatter=0.0).leave(NORMALS, torch.zeros(200, 3), torch.Generator().manual_seed(1))
    assert torch.equal(left, NORMALS)


def outskirts_of(anomalies, config=CONFIG):
    x = torch.cat([NORMALS, anomalies])
    y = torch.cat([torch.zeros(200), torch.ones(len(anomalies))])
    return Outskirts.of(LabelledRows(x, y, torch.ones(len(y))), config, torch.Generator().manual_seed(0))


def test_as_many_samples_are_to_leave_as_anomalies_lie_outside_but_half_at_most():
    assert outskirts_of(NORMALS[:8] + 1e-4).part_of(100) == 10
    assert outskirts_of(NORMALS[:80] + 100).part_of(24) == 12
    assert outskirts_of(NORMALS[:8], config=None) is None


def test_many_copies_of_a_few_rows_do_not_hide_the_others():
    copies = torch.cat([NORMALS, NORMALS[:1].expand(20_000, -1)])
    region = fit(copies, max_references=150)
    assert len(region.references) == 150
    assert len(region.references.unique(dim=0)) == 150


def test_fewer_references_than_are_asked_for_are_refused():
    with pytest.raises(ValueError, match=r"max_references \(50\) is below min_rows \(100\)"):
        OutskirtsConfig(max_references=50)
