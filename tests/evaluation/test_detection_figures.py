import numpy as np
import pandas as pd
import pytest

from swift_hydra_kedro.evaluation.figures import decision_regions, rows_per_expert
from swift_hydra_kedro.evaluation.figures.detection import MAX_POINTS
from swift_hydra_kedro.evaluation.figures.theme import ROLES


def regions(points, threshold=0.2):
    x, y = np.linspace(-1, 1, 5), np.linspace(0, 1, 4)
    probability = np.linspace(0, 1, 20).reshape(4, 5)
    return decision_regions(x, y, probability, points, threshold, ["length [mm]", "mass [g]"])


def load(train, test):
    n = len(train)
    return pd.DataFrame({"expert": range(n), "cluster": [1] * n, "train_share": train, "test_share": test})


def test_two_bars_per_expert_and_the_even_share():
    figure = rows_per_expert(load([0.5, 0.3, 0.2, 0.0], [0.25, 0.25, 0.3, 0.2]))
    train, test = figure.data
    assert list(train.y) == [0.5, 0.3, 0.2, 0.0]
    assert list(test.y) == [0.25, 0.25, 0.3, 0.2]
    assert list(train.x) == ["0", "1", "2", "3"]
    assert (figure.layout.shapes[0].y0, figure.layout.shapes[0].y1) == (0.25, 0.25)
    assert "1 of 4 experts get no training row" in figure.layout.title.subtitle.text


def test_one_expert_and_none():
    assert len(rows_per_expert(load([1.0], [1.0])).data) == 2
    none = rows_per_expert(load([], []))
    assert not none.data
    assert none.layout.annotations[0].text == "No experts"


def test_regions_have_the_threshold_as_a_line_and_the_rows_on_top(rng):
    points = {"generated": rng.normal(size=(7, 2)), "normal": rng.normal(size=(9, 2))}
    heat, line, *groups = regions(points, threshold=0.3).data
    assert np.array(heat.z).shape == (4, 5)
    assert (line.contours.start, line.contours.end) == (0.3, 0.3)
    assert [group.name for group in groups] == ["normal rows", "generated anomalies"]
    assert [group.marker.color for group in groups] == [ROLES["normal"].colour, ROLES["generated"].colour]
    assert np.c_[groups[1].x, groups[1].y] == pytest.approx(points["generated"], rel=1e-4)


def test_the_colours_change_at_the_threshold():
    scale = regions({}, threshold=0.3).data[0].colorscale
    assert [position for position, _ in scale] == [0, 0.3, 0.3, 1]
    assert len({colour for _, colour in scale}) == 4


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_extreme_thresholds_and_no_points(threshold):
    figure = regions({"generated": np.empty((0, 2))}, threshold)
    assert len(figure.data) == 3
    assert figure.data[2].x == ()


def test_many_points_are_thinned_and_the_grid_stays_small(rng):
    axis = np.linspace(-3, 3, 150)
    points = {role: rng.normal(size=(100_000, 2)) for role in ROLES}
    figure = decision_regions(axis, axis, rng.random((150, 150)), points, 0.2, ["a", "b"])
    assert [len(trace.x) for trace in figure.data[2:]] == [MAX_POINTS] * 4
    assert len(figure.to_json()) < 600_000


def test_unknown_roles_and_a_transposed_grid_are_refused():
    with pytest.raises(ValueError, match="unknown roles"):
        regions({"odd": np.empty((0, 2))})
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        decision_regions(np.arange(2.0), np.arange(3.0), np.zeros((2, 3)), {}, 0.2, ["a", "b"])
