import json

import numpy as np
import pytest

from swift_hydra_kedro.evaluation.figures import anomalies_by_episode
from swift_hydra_kedro.evaluation.figures.projection import MAX_GENERATED, MAX_REAL
from swift_hydra_kedro.evaluation.figures.theme import PALE_GENERATED, ROLES

REAL = ("normal rows", "training anomalies", "test anomalies")
GENERATED = ("generated earlier", "generated in this episode")


def drawn(width, sizes=(40, 12, 15), episodes=(1, 1, 2, 2, 2, 4), seed=0, rng_seed=0):
    rng = np.random.default_rng(seed)
    groups = [rng.normal(size=(n, width)) + i for i, n in enumerate((*sizes, len(episodes)))]
    return anomalies_by_episode(*groups, np.array(episodes, dtype=int), np.random.default_rng(rng_seed)), groups


def test_the_slider_has_one_step_per_episode_and_starts_at_the_last():
    figure, _ = drawn(5)
    (slider,) = figure.layout.sliders
    assert [step.label for step in slider.steps] == ["1", "2", "4"]
    assert slider.active == 2
    assert [trace.name for trace in figure.data] == [*REAL, *GENERATED]


def test_a_step_fills_the_pale_trace_with_earlier_and_the_strong_with_its_own_episode():
    figure, (*_, generated) = drawn(2)
    earlier, now = figure.data[3:]
    data, traces = figure.layout.sliders[0].steps[1].args
    assert list(traces) == [3, 4]
    assert sorted(data["x"][0]) == pytest.approx(sorted(generated[:2, 0]), rel=1e-4)
    assert sorted(data["y"][1]) == pytest.approx(sorted(generated[2:5, 1]), rel=1e-4)
    assert (len(earlier.x), len(now.x)) == (5, 1)  # as drawn at first: the last episode
    assert earlier.marker.color == PALE_GENERATED
    assert now.marker.color == ROLES["generated"].colour


def test_roles_keep_their_colours():
    figure, _ = drawn(5)
    colours = [trace.marker.color for trace in figure.data[:3]]
    assert colours == [ROLES[role].colour for role in ("normal", "real_anomalies", "test_anomalies")]


def test_two_features_are_drawn_as_they_are():
    figure, groups = drawn(2)
    for trace, rows in zip(figure.data[:3], groups, strict=False):
        assert np.c_[trace.x, trace.y] == pytest.approx(rows, rel=1e-4)
    assert "feature 1" in figure.layout.xaxis.title.text


def test_a_projection_keeps_neighbours_together():
    figure, _ = drawn(8, sizes=(60, 60, 1), episodes=(1,), seed=3)
    normal, anomalies = (np.c_[trace.x, trace.y] for trace in figure.data[:2])
    towards = anomalies.mean(0) - normal.mean(0)
    middle = (anomalies.mean(0) + normal.mean(0)) / 2
    assert ((normal - middle) @ towards < 0).mean() > 0.85
    assert ((anomalies - middle) @ towards > 0).mean() > 0.85


def test_every_point_lies_in_the_fixed_ranges():
    figure, _ = drawn(5)
    for axis in ("x", "y"):
        low, high = figure.layout[f"{axis}axis"].range
        points = [value for trace in figure.data for value in trace[axis]]
        assert low < min(points) <= max(points) < high


@pytest.mark.parametrize("width", [2, 6])
def test_equal_generators_give_equal_figures_and_others_do_not(width):
    sizes = (MAX_REAL + 30, 12, 15)
    first, again, other = (drawn(width, sizes, rng_seed=seed)[0].to_json() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_large_groups_are_sampled_and_every_episode_is_kept():
    episodes = np.sort(np.random.default_rng(0).integers(1, 51, 20_000))
    figure, _ = drawn(2, sizes=(100_000, 5000, 5000), episodes=episodes)
    assert [len(trace.x) for trace in figure.data[:3]] == [MAX_REAL] * 3
    steps = figure.layout.sliders[0].steps
    assert [len(step.args[0]["x"][1]) for step in steps] == [MAX_GENERATED // 50] * 50
    assert len(figure.to_json()) < 400_000


@pytest.mark.parametrize("width", [1, 2, 3, 30])
@pytest.mark.parametrize("sizes", [(40, 3, 4), (3, 1, 1), (0, 0, 1)])
@pytest.mark.parametrize("episodes", [(), (7,)])
def test_few_rows_and_no_generated_ones_are_fine(width, sizes, episodes):
    figure, _ = drawn(width, sizes, episodes)
    assert len(figure.data) == 3 + 2 * bool(episodes)
    assert len(figure.layout.sliders) == bool(episodes)
    json.dumps(json.loads(figure.to_json()), allow_nan=False)
    if not episodes:
        assert "No anomalies were generated" in figure.layout.title.subtitle.text


def test_no_rows_at_all_give_a_note():
    figure, _ = drawn(4, (0, 0, 0), ())
    assert not figure.data
    assert "No rows" in figure.layout.annotations[0].text


def test_identical_rows_do_not_crash():
    rows = np.ones((20, 4))
    figure = anomalies_by_episode(rows, rows, rows, rows[:2], np.array([1, 2]), np.random.default_rng(0))
    assert np.isfinite([value for trace in figure.data for value in trace.x]).all()


def test_episodes_must_match_the_generated_rows():
    rows = np.ones((3, 2))
    with pytest.raises(ValueError, match="2 entries, generated 3 rows"):
        anomalies_by_episode(rows, rows, rows, rows, np.array([1, 2]), np.random.default_rng(0))
