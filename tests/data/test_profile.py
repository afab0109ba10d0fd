"""Bins of columns, and rows counted in them, against plain loops."""

import itertools
import json

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from swift_hydra_kedro.config import PreparationConfig
from swift_hydra_kedro.data.preprocessing import TablePreprocessor
from swift_hydra_kedro.data.profile import CategoryBins, NumericBins, TableProfile, count_rows

NUMBERS = st.lists(st.floats(-1e9, 1e9) | st.just(0.0) | st.just(np.nan), max_size=300)
TRAIN = pd.DataFrame(
    {
        "size": np.r_[np.arange(1.0, 300.0), np.nan],
        "branch": ["north", "south", None] * 100,
        "open": np.arange(300) % 10 == 0,
    }
)


def profile_of(features, **settings):
    return TableProfile.fit(features, TablePreprocessor.fit(features, PreparationConfig(**settings)))


def bins_of(values):
    return NumericBins.fit(pd.Series(values, dtype=float))


def count(bins, values):
    return bins.count(pd.Series(values, dtype=float)).tolist()


@given(NUMBERS, NUMBERS)
def test_every_row_is_counted_once_in_the_bin_where_it_lies(training, values):
    bins = bins_of(training)
    slowly = np.zeros(len(bins.edges) + 2, dtype=int)
    for value in values:
        slowly[-1 if np.isnan(value) else sum(value >= edge for edge in bins.edges)] += 1
    assert count(bins, values) == slowly.tolist()


@given(NUMBERS)
def test_edges_ascend_and_a_bin_of_several_values_has_a_fiftieth_of_the_rows_at_most(values):
    bins = bins_of(values)
    assert list(bins.edges) == sorted(set(bins.edges))
    present = np.array([value for value in values if not np.isnan(value)])
    bin_of = np.searchsorted(bins.edges, present, side="right")
    for number in np.unique(bin_of):
        inside = np.unique(present[bin_of == number])
        apart = np.ptp(inside) > 1e-6 * np.abs(inside).max()
        assert not apart or (bin_of == number).mean() <= 0.02


def test_percentiles_part_the_rows_of_training_evenly():
    rows = np.random.default_rng(0).normal(size=10_000)
    *counts, missing = count(bins_of(rows), rows)
    assert len(counts) == 100
    assert (min(counts), max(counts), missing) == (99, 101, 0)


def test_a_value_at_an_edge_lies_in_the_bin_that_it_begins():
    bins = NumericBins(edges=(1.0, 2.0))
    assert count(bins, [1.0, 2.0, 0.999, np.nan]) == [1, 1, 1, 1]


@pytest.mark.parametrize("constant", [0.0, 0.1, -7.5, 1e12])
def test_a_constant_has_a_bin_of_its_own_also_in_single_precision(constant):
    bins = bins_of(np.full(50, constant))
    assert count(bins, [constant] * 3 + [np.float32(constant)]) == [0, 4, 0, 0]
    assert count(bins, [constant - 1e6, constant + 1e6, np.nan]) == [1, 0, 1, 1]


def test_a_column_without_values_has_a_bin_for_any():
    bins = bins_of([np.nan] * 5)
    assert bins.edges == ()
    assert count(bins, [3.0, -1.0, np.nan]) == [2, 1]


def test_categories_are_counted_by_their_text_others_together():
    bins = CategoryBins(categories=("1", "x"))
    assert bins.count(pd.Series([1.0, 1.0, 2.0, np.nan])).tolist() == [2, 0, 1, 1]
    assert bins.count(pd.Series(["x", "1", "new", "newer", None], dtype=object)).tolist() == [1, 1, 2, 1]
    assert bins.count(pd.Series([], dtype=object)).tolist() == [0, 0, 0, 0]


def test_a_profile_holds_the_counts_of_training():
    by_name = {column.name: column for column in profile_of(TRAIN).columns}
    assert list(by_name) == ["size", "open", "branch"]
    assert sum(by_name["size"].counts) == 300
    assert by_name["size"].counts[-1] == 1
    assert by_name["branch"].counts == (100, 100, 0, 100)
    assert sorted(by_name["open"].counts) == [0, 0, 0, 0, 30, 270]


@pytest.mark.parametrize(("max_categories", "own"), [(32, ("a", "b")), (2, ("a",))])
def test_rare_categories_and_those_unknown_to_the_model_are_counted_with_the_others(max_categories, own):
    branch = ["a"] * 6 + ["b"] * 5 + ["c"] * 4 + ["d"]
    (column,) = profile_of(pd.DataFrame({"branch": branch}), max_categories=max_categories).columns
    assert column.bins.categories == own
    assert column.counts == ((6, 5, 5, 0) if "b" in own else (6, 10, 0))


def test_without_scores_there_are_none():
    assert profile_of(TRAIN).score.counts == (0, 0)


def test_a_profile_survives_json():
    fitted = TablePreprocessor.fit(TRAIN, PreparationConfig())
    profile = TableProfile.fit(TRAIN, fitted, np.linspace(0, 1, 40))
    assert TableProfile.model_validate(json.loads(json.dumps(profile.model_dump(mode="json")))) == profile
    assert sum(profile.score.counts) == 40


@pytest.mark.parametrize("cuts", [[], [0], [1, 2, 2, 299], list(range(0, 300, 7))])
def test_chunks_add_up_to_the_whole(cuts):
    columns, bounds = profile_of(TRAIN).columns, [0, *cuts, 300]
    chunks = [TRAIN.iloc[start:stop] for start, stop in itertools.pairwise(bounds)]
    totals = count_rows(columns, chunks)
    assert [tuple(total) for total in totals] == [column.counts for column in columns]
