"""What the benchmark's figures show is what the tables say, and they say so where there is nothing to show."""

import numpy as np
import pandas as pd
import pytest

from swift_hydra_kedro.evaluation.comparison import by_dataset, by_train_size, compare, leaderboard, ranks
from swift_hydra_kedro.evaluation.figures.benchmark import (
    BEYOND,
    accuracy_and_time,
    critical_difference,
    heat_map,
    train_size_curves,
)
from swift_hydra_kedro.evaluation.figures.paper import kl_weight, oversampling
from swift_hydra_kedro.evaluation.statistics import cliques, pairwise


@pytest.fixture
def common(results):
    return compare(results[results["train_size"] == 0.4], 0.75).results


def test_the_heat_map_has_the_hardest_sets_on_top_and_gaps_where_there_is_no_result(results):
    table = results[results["train_size"] == 0.4].pivot_table("auc_roc", "dataset", "method")
    drawn = heat_map(table).data[0]
    shown = pd.DataFrame(drawn.z, drawn.y, drawn.x)
    assert shown.loc["6_cardio", "Extra Trees"] == pytest.approx(table.loc["6_cardio", "extra_trees"], abs=5e-5)
    assert shown["DevNet"].isna().sum() == 4
    assert table.mean(axis=1)[list(drawn.y)].is_monotonic_increasing
    assert shown.columns[0] == "Swift Hydra"


def test_times_and_accuracies_are_those_of_the_leaderboard(common):
    board = leaderboard(common)
    figure = accuracy_and_time(board)
    drawn = {name: (x, y) for t in figure.data for name, x, y in zip(t.customdata, t.x, t.y, strict=True)}
    assert drawn["ECOD"] == pytest.approx(tuple(board.loc["ecod", ["tif", "auc_roc"]]), rel=1e-4)
    assert len(drawn) == len(board)


def test_named_are_ours_and_those_that_no_other_beats():
    board = pd.DataFrame({"auc_roc": [0.9, 0.8, 0.7, 0.95], "tif": [1.0, 2.0, 0.5, 9.0]})
    board.index = ["extra_trees", "swift_hydra", "ecod", "lof"]
    named = {text for trace in accuracy_and_time(board).data for text in trace.text if text}
    assert named == {"Swift Hydra", "Extra Trees", "ECOD", "LOF"}
    slower = {t for trace in accuracy_and_time(board.assign(tif=[1, 2, 3, 9])).data for t in trace.text if t}
    assert slower == {"Swift Hydra", "Extra Trees", "LOF"}


def bars_of(figure):
    """First and last rank under each bar, which reaches beyond both."""
    return [(bar.x0 + BEYOND, bar.x1 - BEYOND) for bar in figure.layout.shapes]


def test_the_diagram_places_methods_at_their_mean_ranks_and_joins_cliques(rng):
    base = rng.normal(0.8, 0.05, 30)
    skill = {"swift_hydra": 0.1, "extra_trees": 0.099, "ecod": -0.1, "lof": -0.2, "knn": -0.201}
    table = pd.DataFrame({name: base + gain + rng.normal(0, 0.004, 30) for name, gain in skill.items()})
    p = pairwise(table)
    figure = critical_difference(table, p, 0.05)
    mean = ranks(table).mean().sort_values()
    assert sorted(trace.x[0] for trace in figure.data) == pytest.approx(sorted(mean))
    joined = [(mean[group[0]], mean[group[-1]]) for group in cliques(table, p, 0.05)]
    assert len(joined) == 2
    np.testing.assert_allclose(bars_of(figure), joined)
    assert figure.layout.annotations[0].text == f"Swift Hydra {mean['swift_hydra']:.2f}"


def test_bars_that_overlap_lie_on_different_levels():
    names = list("abcd")
    table = pd.DataFrame({name: [0.9 - 0.1 * i] * 3 for i, name in enumerate(names)})
    p = pd.DataFrame([[abs(i - j) < 2 for j in range(4)] for i in range(4)], names, names).astype(float)
    figure = critical_difference(table, p, 0.05)
    np.testing.assert_allclose(bars_of(figure), [(1, 2), (2, 3), (3, 4)])
    heights = [bar.y0 for bar in figure.layout.shapes]
    assert heights[0] == heights[2] != heights[1]


def test_learning_curves_are_the_means_by_train_size(results):
    means = by_train_size(results, 0.75)
    figure = train_size_curves(means)
    drawn = {trace.name: trace.y for trace in figure.data}
    assert drawn["Swift Hydra"] == pytest.approx(means["swift_hydra"].tolist(), rel=1e-4)
    assert "the same 6 data sets" in figure.layout.title.subtitle.text


def test_many_methods_are_hidden_in_the_learning_curves_but_for_ours():
    means = pd.DataFrame({f"method_{i}": [0.5, 0.9 - i / 100] for i in range(20)} | {"swift_hydra": [0.1, 0.2]})
    figure = train_size_curves(means.set_axis([0.1, 0.4]))
    visible = [trace.name for trace in figure.data if trace.visible is True]
    assert visible == [*(f"Method {i}" for i in range(12)), "Swift Hydra"]


def test_figure_5_compares_over_samplers_on_common_splits(results):
    plain = results[results["method"] == "extra_trees"]
    mixture = plain.assign(method="swift_hydra_no_synthesis", detector="swift_hydra_no_synthesis")
    cells = pd.concat([results, mixture])
    figure = oversampling(cells, 0.75)
    drawn = dict(zip(figure.data[0].y, figure.data[0].x, strict=True))
    names = {"Swift Hydra": "swift_hydra", "SMOTE": "smote", "none": "swift_hydra_no_synthesis"}
    part = cells[(cells["train_size"] == 0.4) & cells["method"].isin(names.values())]
    means = by_dataset(part, "auc_roc").mean()
    assert drawn == pytest.approx({name: means[method] for name, method in names.items()}, rel=1e-4)
    assert "6 data sets, 12 splits" in figure.layout.title.subtitle.text


def test_figure_7_is_by_the_weight_of_the_kl_term(results):
    ours = results[results["method"] == "swift_hydra"]
    tuned = [ours.assign(method=f"swift_hydra_kl_{weight}") for weight in (0.7, 0.4, 0.55)]
    figure = kl_weight(pd.concat([results, *tuned]), 0.75)
    assert list(figure.data[0].x) == [0.4, 0.55, 0.7]
    mean = by_dataset(ours[ours["train_size"] == 0.4], "auc_roc").mean().item()
    assert list(figure.data[0].y) == pytest.approx([mean] * 3, rel=1e-4)


def test_without_their_cells_figures_say_what_measures_them(results):
    assert "figure5" in oversampling(results[results["method"] == "ecod"], 0.75).layout.annotations[0].text
    assert "kl_weight" in kl_weight(results, 0.75).layout.annotations[0].text


def test_figures_of_nothing_say_so():
    empty = pd.DataFrame(dtype=float)
    one = pd.DataFrame({"ecod": [0.5]})
    for figure in (
        heat_map(empty),
        accuracy_and_time(empty),
        critical_difference(one, pairwise(one), 0.05),
        train_size_curves(one),
    ):
        assert len(figure.data) == 0
        assert figure.layout.annotations[0].text
