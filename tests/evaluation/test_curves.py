import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from swift_hydra_kedro.evaluation.figures import precision_recall_curves, roc_curves
from swift_hydra_kedro.evaluation.figures.curves import MAX_POINTS, thin

METHODS = ("isolation_forest", "swift_hydra_mome", "swift_hydra_single", "random_forest")
DISPLAYED = ("Isolation Forest", "Swift Hydra (MoME)", "Swift Hydra (single)", "Random Forest")


def scored(rng, n):
    """Labels and scores of methods whose AUC rises with their place, the last with heavy ties."""
    label = (rng.random(n) < 0.1).astype(int)
    scores = pd.DataFrame({m: rng.normal(size=n) + (0.5 + i) * label for i, m in enumerate(METHODS)})
    return scores.round({"random_forest": 0}), label


def by_name(figure):
    return {trace.name.rsplit("  ", 1)[0]: trace for trace in figure.data}


def test_large_tables_give_small_monotone_curves_of_the_same_area(rng):
    scores, label = scored(rng, 100_000)
    figure = roc_curves(scores, label)
    assert len(figure.to_json()) < 120_000
    for method, trace in zip(METHODS, map(by_name(figure).get, DISPLAYED), strict=True):
        x, y = np.array(trace.x), np.array(trace.y)
        assert len(x) <= MAX_POINTS
        assert (np.diff(x) >= 0).all()
        assert (np.diff(y) >= 0).all()
        assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
        assert np.trapezoid(y, x) == pytest.approx(roc_auc_score(label, scores[method]), abs=1e-3)


def test_large_precision_recall_curves_keep_their_area(rng):
    scores, label = scored(rng, 100_000)
    figure = precision_recall_curves(scores, label)
    assert len(figure.to_json()) < 120_000
    for method, trace in zip(METHODS, map(by_name(figure).get, DISPLAYED), strict=True):
        recall, precision = np.array(trace.x), np.array(trace.y)
        assert len(recall) <= MAX_POINTS
        assert (np.diff(recall) <= 0).all()
        area = -np.sum(np.diff(recall) * precision[:-1])  # steps, as they are drawn
        assert area == pytest.approx(average_precision_score(label, scores[method]), abs=5e-3)


@pytest.mark.parametrize("draw", [roc_curves, precision_recall_curves])
def test_the_legend_is_sorted_by_area_and_tells_it(draw, rng):
    figure = draw(*scored(rng, 2000))
    areas = [float(trace.name.split()[-1]) for trace in figure.data]
    assert areas == sorted(areas, reverse=True)
    assert len(areas) == len(METHODS)


def test_the_area_in_the_legend_is_exact(rng):
    scores, label = scored(rng, 2000)
    legend = {trace.name for trace in roc_curves(scores, label).data}
    assert f"Swift Hydra (MoME)  {roc_auc_score(label, scores['swift_hydra_mome']):.3f}" in legend


def test_own_methods_are_thicker_and_lie_above_the_baselines(rng):
    traces = by_name(roc_curves(*scored(rng, 500)))
    own = [trace for name, trace in traces.items() if name.startswith("Swift Hydra")]
    others = [trace for name, trace in traces.items() if not name.startswith("Swift Hydra")]
    assert min(t.line.width for t in own) > max(t.line.width for t in others)
    assert min(t.zorder for t in own) > max(t.zorder for t in others)


def test_a_method_has_one_colour_in_both_figures_and_no_two_share_one(rng):
    scores, label = scored(rng, 500)
    roc, pr = by_name(roc_curves(scores, label)), by_name(precision_recall_curves(scores, label))
    colours = {name: trace.line.color for name, trace in roc.items()}
    assert colours == {name: trace.line.color for name, trace in pr.items()}
    assert len(set(colours.values())) == len(METHODS)


def test_many_baselines_still_look_different(rng):
    label = np.array([0, 1] * 10)
    figure = roc_curves(pd.DataFrame(rng.normal(size=(20, 15)), columns=[f"m{i}" for i in range(15)]), label)
    assert len({(trace.line.color, trace.line.dash) for trace in figure.data}) == 15


def test_hovering_tells_the_threshold(rng):
    scores, label = scored(rng, 300)
    trace = by_name(roc_curves(scores, label))["Swift Hydra (MoME)"]
    i = len(trace.x) // 2
    flagged = scores["swift_hydra_mome"].to_numpy() >= trace.customdata[i] - 1e-4  # five digits are kept
    assert flagged[label == 1].mean() == pytest.approx(trace.y[i], abs=0.02)
    assert flagged[label == 0].mean() == pytest.approx(trace.x[i], abs=0.02)


@pytest.mark.parametrize("draw", [roc_curves, precision_recall_curves])
@pytest.mark.parametrize("n", [0, 3])
def test_one_class_gives_a_note_instead_of_curves(draw, n):
    figure = draw(pd.DataFrame({"smote": np.arange(n) / 3}), np.zeros(n, dtype=int))
    assert not figure.data
    assert "both classes" in figure.layout.annotations[0].text


@settings(deadline=None, max_examples=50)
@given(st.integers(2, 3000), st.integers(4, 100), st.integers(0, 99))
def test_thinning_keeps_the_ends_and_leaves_no_gap_but_jumps(n, limit, seed):
    rng = np.random.default_rng(seed)
    x, y = (np.concatenate([[0], np.cumsum(rng.exponential(size=n - 1) ** 3)]) for _ in range(2))
    kept = thin(x, y, limit)
    assert (kept[0], kept[-1]) == (0, n - 1)
    assert len(kept) <= max(limit, 2)
    gaps = np.diff(x[kept] + y[kept])
    spacing = (x[-1] + y[-1]) / (limit // 2 - 1) if n > limit else np.inf
    assert all(gap <= spacing * (1 + 1e-9) or step == 1 for gap, step in zip(gaps, np.diff(kept), strict=True))
