"""Distances between counts, against plain ones on the rows themselves, and what they are called."""

import json

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from scipy.stats import chi2, ks_2samp

from swift_hydra_kedro.config import DriftConfig
from swift_hydra_kedro.data.profile import CategoryBins
from swift_hydra_kedro.evaluation.drift import (
    Comparison,
    kolmogorov_smirnov,
    population_stability_index,
    summarise_drift,
)
from swift_hydra_kedro.evaluation.figures import drift_overview
from swift_hydra_kedro.evaluation.figures.drift import MOST_COLUMNS

COUNTS = arrays(np.int64, st.integers(2, 40), elements=st.integers(0, 1000)).filter(np.any)
EDGES = tuple(np.arange(1, 100) / 100)
NO_DRIFT = Comparison(np.full(101, 10), np.full(101, 20), EDGES)


def compared(before, now):
    """Counts of values in [0, 1], of which NaN are missing, in bins that are even if those before are."""
    counts = [np.append(np.histogram(x, [-1, *EDGES, 2])[0], np.isnan(x).sum()) for x in (before, now)]
    return Comparison(*counts, EDGES)


def drift_of(comparison, **settings):
    return summarise_drift({"x": comparison}, {}, DriftConfig(**settings))["columns"]["x"]


@given(COUNTS, st.integers(1, 50))
def test_equal_shares_have_no_distance(counts, times):
    assert population_stability_index(counts, counts) == kolmogorov_smirnov(counts, counts) == 0
    full = counts + 1
    assert population_stability_index(full, times * full) == pytest.approx(0, abs=1e-12)


@given(COUNTS, st.randoms())
def test_distances_are_within_their_bounds_and_symmetric(before, random):
    now = np.array(random.sample(before.tolist(), len(before)))
    assert population_stability_index(before, now) >= 0
    assert population_stability_index(before, now) == pytest.approx(population_stability_index(now, before))
    assert 0 <= kolmogorov_smirnov(before, now) <= 1


def test_the_index_of_two_bins_by_hand():
    expected = 0.2 * np.log(0.7 / 0.5) - 0.2 * np.log(0.3 / 0.5)
    assert population_stability_index(np.array([50, 50]), np.array([700, 300])) == pytest.approx(expected)


def test_a_bin_empty_on_one_side_counts_as_half_a_row_and_one_empty_on_both_not():
    expected = (10 / 20 - 0.5 / 40) * np.log((10 / 20) / (0.5 / 40)) + (10 / 20 - 40 / 40) * np.log((10 / 20) / 1)
    assert population_stability_index(np.array([40, 0, 0]), np.array([10, 10, 0])) == pytest.approx(expected)


def test_numbers_are_compared_in_deciles(rng):
    before, now = rng.random(20_000), rng.beta(1.2, 1, 5000)
    p, q = (np.histogram(x, np.linspace(0, 1, 11))[0] / len(x) for x in (before, now))
    assert drift_of(compared(before, now))["psi"] == pytest.approx(((q - p) * np.log(q / p)).sum(), abs=0.002)


@pytest.mark.parametrize("shape", [1, 1.1, 2])
def test_ks_is_that_of_the_rows_but_for_what_lies_within_a_bin(rng, shape):
    before, now = rng.random(3000), rng.beta(shape, 1, 500)
    exact = ks_2samp(before, now).statistic
    comparison = compared(before, now)
    widest = comparison.before.max() / 3000
    assert exact - widest <= drift_of(comparison)["ks"] <= exact


def test_ks_is_exact_where_values_are_edges(rng):
    before, now = (rng.integers(0, 100, n) / 100 for n in (3000, 500))
    assert drift_of(compared(before, now))["ks"] == pytest.approx(ks_2samp(before, now).statistic)


def test_missing_values_are_a_bin_of_their_own(rng):
    before, now = rng.random(1000), rng.random(1000)
    now[:300] = np.nan
    drift = drift_of(compared(before, now))
    assert (drift["missing_before"], drift["missing_now"], drift["level"]) == (0, 0.3, "strong")
    assert drift["ks"] < 0.1  # of rows that have a value


@pytest.mark.parametrize("other_way_round", [False, True])
def test_a_column_that_is_all_missing_on_one_side_has_drifted(rng, other_way_round):
    sides = [rng.random(1000), np.full(1000, np.nan)][:: -1 if other_way_round else 1]
    drift = drift_of(compared(*sides))
    assert (drift["level"], drift["ks"]) == ("strong", 0)


def test_another_constant_is_strong_drift_and_the_same_one_none():
    before = np.array([0, 50, 0, 0])
    assert drift_of(Comparison(before, np.array([0, 0, 50, 0]), (1.0, 1.1)))["level"] == "strong"
    same = drift_of(Comparison(before, np.array([0, 9, 0, 0]), (1.0, 1.1)))
    assert (same["psi"], same["p_value"], same["ks"], same["level"]) == (0, 1, 0, "none")


def test_categories_have_no_ks_and_new_ones_are_drift():
    drift = drift_of(Comparison(np.array([500, 500, 0, 0]), np.array([300, 300, 400, 0])))
    assert (drift["ks"], drift["level"]) == (None, "strong")


@pytest.mark.parametrize(("share", "level"), [(0.5, "none"), (0.65, "none"), (0.67, "moderate"), (0.8, "strong")])
def test_levels_are_those_of_the_rule_of_thumb(share, level):
    before, now = np.array([50_000, 50_000, 0, 0]), np.round(100_000 * np.array([share, 1 - share, 0, 0])).astype(int)
    assert drift_of(Comparison(before, now))["level"] == level


def test_p_value_of_two_bins_is_the_g_test_s_by_hand():
    before, now = np.array([9990, 10, 0]), np.array([97, 3, 0])
    observed = np.stack([before, now])[:, :2]
    expected = observed.sum(1, keepdims=True) * observed.sum(0) / observed.sum()
    g = 2 * (observed * np.log(observed / expected)).sum()
    assert drift_of(Comparison(before, now))["p_value"] == pytest.approx(chi2.sf(g, 1))


def test_levels_can_be_set():
    comparison = Comparison(np.array([5000, 5000, 0]), np.array([5500, 4500, 0]))
    assert drift_of(comparison)["level"] == "none"
    assert drift_of(comparison, moderate=0.01)["level"] == "moderate"
    assert drift_of(comparison, moderate=0.01, strong=0.01)["level"] == "strong"


@pytest.mark.parametrize("n_rows", [5, 200, 1000, 10_000])
@pytest.mark.parametrize("n_training", [100, 5000])
def test_rows_like_those_of_training_are_not_said_to_have_drifted(rng, n_rows, n_training):
    """Even though PSI alone exceeds the first level somewhere in nearly every small table."""
    shares = [np.full(101, 1 / 101)] * 20 + [np.arange(1, 33) ** -1.5, np.array([0.999, 0.0005, 0.0005])] * 10
    levels, largest = set(), []
    for _ in range(25):
        columns = {
            str(i): Comparison(
                rng.multinomial(n_training, share / share.sum()),
                rng.multinomial(n_rows, share / share.sum()),
                EDGES if len(share) == 101 else None,
            )
            for i, share in enumerate(shares)
        }
        report = summarise_drift(columns, {}, DriftConfig())
        levels.add(report["level"])
        largest.append(max(drift["psi"] for drift in report["columns"].values()))
    assert levels == {"none"}
    assert n_rows > 200 or np.mean(np.array(largest) > 0.1) > 0.9


def test_categories_that_training_happens_not_to_hold_are_no_drift(rng):
    share = np.arange(1, 61) ** -1.3
    for _ in range(10):
        draws = [pd.Series(rng.choice(60, n, p=share / share.sum()).astype(str)) for n in (300, 1000)]
        bins = CategoryBins.fit(draws[0], sorted(draws[0].unique()))
        before, now = (bins.count(column) for column in draws)
        assert now[-2] > 0
        assert drift_of(Comparison(before, now))["level"] == "none"


@pytest.mark.parametrize("n_rows", [200, 1000, 10_000])
def test_one_shifted_column_among_many_is_found(rng, n_rows):
    columns = {str(i): compared(rng.random(5000), rng.random(n_rows)) for i in range(40)}
    columns["7"] = compared(rng.random(5000), rng.beta(2, 1, n_rows))
    report = summarise_drift(columns, {}, DriftConfig())
    assert (report["level"], report["drifted"], next(iter(report["columns"]))) == ("strong", ["7"], "7")


def test_columns_that_have_changed_most_come_first_and_the_highest_level_counts(rng):
    shapes = {"a": 1.5, "b": 3, "c": 1}
    columns = {name: compared(rng.random(5000), rng.beta(shape, 1, 5000)) for name, shape in shapes.items()}
    report = summarise_drift(columns, {"score": NO_DRIFT}, DriftConfig())
    assert list(report["columns"]) == ["b", "a", "c"]
    assert report["drifted"] == ["b", "a"]
    assert [report["columns"][name]["level"] for name in "abc"] == ["moderate", "strong", "none"]
    assert (report["level"], report["score"]["level"], report["n_rows"]) == ("strong", "none", 5000)


def test_scores_alone_can_drift_and_their_distribution_is_kept(rng):
    report = summarise_drift(
        {"score": NO_DRIFT}, {"score": compared(rng.random(500), rng.random(500) ** 3)}, DriftConfig()
    )
    assert (report["level"], report["drifted"], report["score"]["level"]) == ("strong", [], "strong")
    assert report["score"]["edges"] == list(EDGES)
    assert report["score"]["below_before"] == pytest.approx(EDGES, abs=0.1)
    assert report["score"]["below_now"] == pytest.approx(np.array(EDGES) ** (1 / 3), abs=0.1)


def test_where_nothing_can_be_compared_drift_is_unknown():
    report = summarise_drift({}, {}, DriftConfig())
    assert (report["n_rows"], report["level"], report["drifted"], report["score"]) == (0, "unknown", [], None)


def test_the_figure_has_a_bar_for_each_of_the_worst_columns_and_two_curves(rng):
    columns = {f"c{i}": compared(rng.random(500), rng.beta(1 + i / 20, 1, 500)) for i in range(40)}
    report = summarise_drift(columns, {"score": NO_DRIFT}, DriftConfig())
    bars, before, now = drift_overview(report).data
    assert list(bars.y) == list(report["columns"])[:MOST_COLUMNS]
    assert list(bars.x) == pytest.approx([report["columns"][name]["psi"] for name in bars.y], rel=1e-4)
    assert len(set(bars.marker.color)) > 1
    assert (len(before.x), len(now.y)) == (99, 99)
    assert {shape.x0 for shape in drift_overview(report).layout.shapes} == {0.1, 0.25}


def test_the_figure_without_scores_and_without_anything():
    alone = drift_overview(summarise_drift({"a": NO_DRIFT}, {}, DriftConfig()))
    nothing = drift_overview(summarise_drift({}, {}, DriftConfig()))
    assert (len(alone.data), len(nothing.data)) == (1, 0)
    assert nothing.layout.annotations[0].text.startswith("There are no rows")
    json.dumps(json.loads(alone.to_json()), allow_nan=False)
