"""Preprocessing, on plotly's restaurant bills (numbers, text, gaps made here) and on generated tables."""

import json
import time

import numpy as np
import pandas as pd
import plotly.express as px
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import pandas as some
from pydantic import ValidationError
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from swift_hydra_kedro.config import PreparationConfig
from swift_hydra_kedro.data.preprocessing import TablePreprocessor

CONFIG = PreparationConfig()


@pytest.fixture
def bills() -> pd.DataFrame:
    frame = px.data.tips().assign(outdoors=[True, False] * 122, country="US")
    frame.loc[[3, 7], "total_bill"] = np.nan
    frame.loc[[5, 6], "day"] = None
    return frame


def test_numbers_are_imputed_and_scaled_as_scikit_learn_does(bills):
    numbers = bills[["total_bill", "tip", "size"]]
    expected = SimpleImputer(strategy="median", add_indicator=True).fit_transform(numbers)
    expected[:, :3] = StandardScaler().fit_transform(expected[:, :3]).clip(-CONFIG.clip, CONFIG.clip)
    expected[:, 3] = 2 * (expected[:, 3] - expected[:, 3].mean())  # two values: 2 apart, whatever their shares
    fitted = TablePreprocessor.fit(numbers, CONFIG)
    np.testing.assert_allclose(fitted.transform(numbers), expected, rtol=1e-6)
    assert fitted.feature_names_out == ["total_bill", "tip", "size", "total_bill is missing"]


def test_of_two_values_the_rarer_one_is_no_outlier():
    train = pd.DataFrame({"flag": [0] * 99 + [1], "two": [5.0, 9.0] * 50, "c": ["b"] * 98 + ["a"] * 2})
    array = TablePreprocessor.fit(train, CONFIG).transform(train)
    np.testing.assert_allclose(np.ptp(array, axis=0), 2)
    np.testing.assert_allclose(array.mean(axis=0), 0, atol=1e-6)


def test_mixed_table_comes_back_in_its_own_units(bills):
    fitted = TablePreprocessor.fit(bills, CONFIG)
    array = fitted.transform(bills)
    assert array.dtype == np.float32
    assert array.shape == (244, len(fitted.feature_names_out))
    assert "country=US" not in fitted.feature_names_out
    assert "day=(missing)" in fitted.feature_names_out
    sources = zip(fitted.feature_names_out, fitted.source_of_features, strict=True)
    assert all(name in (source, f"{source} is missing") or name.startswith(f"{source}=") for name, source in sources)
    back = fitted.inverse_transform(array)
    expected = bills.fillna({"total_bill": bills["total_bill"].median()})
    assert list(back.columns) == list(bills.columns)
    for name in ("total_bill", "tip", "size", "outdoors"):
        np.testing.assert_allclose(back[name], expected[name].astype(float), rtol=1e-6)
    for name in ("sex", "day", "time", "country"):
        assert back[name].fillna("gap").tolist() == expected[name].fillna("gap").tolist()


def test_whole_numbers_stay_whole_also_where_some_are_missing():
    train = pd.DataFrame({"whole": [1, 2, 3], "gaps": [1.0, np.nan, 4.0], "other": [1.0, 2.0, 2.5]})
    fitted = TablePreprocessor.fit(train, CONFIG)
    back = fitted.inverse_transform(fitted.transform(train) + np.float32(0.01))
    assert back["whole"].tolist() == [1, 2, 3]
    assert back["gaps"].tolist() == [1, 3, 4]  # the gap is the median, 2.5, and was nudged up
    assert not (back["other"] % 1 == 0).any()


def test_rare_and_unseen_categories_share_a_column():
    train = pd.DataFrame({"c": list("aaabbcd"), "n": range(7)})
    fitted = TablePreprocessor.fit(train, PreparationConfig(max_categories=3))
    assert fitted.feature_names_out == ["n", "c=a", "c=b", "c=(other)"]
    rows = fitted.transform(pd.DataFrame({"c": ["c", "zzz"], "n": [0, 0]}))
    np.testing.assert_array_equal(rows[0], rows[1])
    assert fitted.inverse_transform(rows)["c"].tolist() == ["(other)", "(other)"]


def test_unseen_category_and_gap_are_all_zeros_where_none_were_rare():
    fitted = TablePreprocessor.fit(pd.DataFrame({"c": list("aabb")}), CONFIG)
    zeros = -np.array(fitted.mean) / fitted.scale
    for value in ("zzz", None):
        np.testing.assert_allclose(fitted.transform(pd.DataFrame({"c": [value]}))[0], zeros, rtol=1e-6)


def test_gap_where_training_had_none_becomes_the_median():
    fitted = TablePreprocessor.fit(pd.DataFrame({"a": [1.0, 2.0, 30.0]}), CONFIG)
    gap, median = fitted.transform(pd.DataFrame({"a": [np.nan, 2.0]}))
    assert gap == median


def test_constant_and_empty_columns_are_dropped_and_come_back():
    train = pd.DataFrame({"a": [0.1] * 3, "b": [1.0, 2.0, 4.0], "empty": [np.nan] * 3})
    fitted = TablePreprocessor.fit(train, CONFIG)
    assert fitted.feature_names_out == ["b"]
    back = fitted.inverse_transform(fitted.transform(train.assign(a=7.0)))
    assert back["a"].tolist() == [0.1] * 3
    assert back["empty"].tolist() == [0.0] * 3


def test_kinds_say_what_each_column_holds(bills):
    kinds = TablePreprocessor.fit(bills, CONFIG).kinds
    assert list(kinds) == list(bills.columns)
    assert (kinds["total_bill"], kinds["day"], kinds["country"]) == ("number", "category, 4 known", "category, 1 known")


def test_outliers_are_clipped():
    train = pd.DataFrame({"a": np.arange(100.0)})
    fitted = TablePreprocessor.fit(train, PreparationConfig(clip=2.0))
    np.testing.assert_array_equal(fitted.transform(pd.DataFrame({"a": [1e9, -1e9]}))[:, 0], [2.0, -2.0])


def test_column_order_and_extra_columns_do_not_matter(bills):
    fitted = TablePreprocessor.fit(bills, CONFIG)
    shuffled = bills.assign(extra="x")[["extra", *reversed(bills.columns)]]
    np.testing.assert_array_equal(fitted.transform(shuffled), fitted.transform(bills))


def test_number_types_of_new_rows_do_not_matter():
    train = pd.DataFrame({"n": [1, 2, 3], "c": pd.Series([1, 2, 1], dtype=object).astype(str)})
    fitted = TablePreprocessor.fit(train, CONFIG)
    expected = fitted.transform(train)
    for other in (train.astype({"n": "Int64", "c": float}), train.astype({"n": str, "c": "category"})):
        np.testing.assert_array_equal(fitted.transform(other), expected)


def test_state_knows_nothing_of_test_rows(bills):
    train, test = bills.iloc[:150], bills.iloc[150:]
    before = TablePreprocessor.fit(train, CONFIG).state()
    changed = test.assign(total_bill=1e6, tip=np.nan, sex="other", day=None)
    whole = pd.concat([train, changed]).astype({"sex": "category"})  # a category type lists the test part's values
    assert TablePreprocessor.fit(whole.iloc[:150], CONFIG).state() == before


@settings(deadline=None)  # a busy machine is no failure
@given(
    frame=some.data_frames(
        [
            some.column("a", elements=st.floats(-1e6, 1e6) | st.just(float("nan"))),
            some.column("b", elements=st.integers(-1000, 1000)),
            some.column("c", elements=st.text(max_size=3) | st.none(), dtype=object),
        ],
        index=some.range_indexes(min_size=1, max_size=12),
    ),
    max_categories=st.integers(2, 5),
)
def test_saved_state_transforms_bit_by_bit_alike(frame, max_categories):
    try:
        fitted = TablePreprocessor.fit(frame, PreparationConfig(max_categories=max_categories))
    except ValueError as error:
        assert "varies" in str(error)
        return
    loaded = TablePreprocessor.from_state(json.loads(json.dumps(fitted.state(), allow_nan=False)))
    assert loaded == fitted
    array = fitted.transform(frame)
    assert np.isfinite(array).all()
    assert loaded.transform(frame).tobytes() == array.tobytes()
    pd.testing.assert_frame_equal(loaded.inverse_transform(array), fitted.inverse_transform(array))


def test_integer_column_names_survive_json():
    train = pd.DataFrame(np.eye(3))
    loaded = TablePreprocessor.from_state(json.loads(json.dumps(TablePreprocessor.fit(train, CONFIG).state())))
    assert loaded.inverse_transform(loaded.transform(train)).columns.tolist() == [0, 1, 2]


def test_incomplete_state_is_refused(bills):
    state = TablePreprocessor.fit(bills, CONFIG).state()
    del state["mean"]
    with pytest.raises(ValidationError, match="mean"):
        TablePreprocessor.from_state(state)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"a": []}), "no training rows"),
        (pd.DataFrame({"a": [1.0, 1.0], "b": ["x", "x"]}), "none of the 2 columns varies in the 2 training rows"),
        (pd.DataFrame({"a": [1.0, np.inf]}), "column 'a' is infinite in 1 of 2 rows"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), r"occur twice: \['a'\]"),
        (pd.DataFrame({"a": ["2024-05-31", "2024-06-01"]}), "column 'a' holds dates"),
    ],
)
def test_unfit_training_rows_are_a_clear_error(frame, message):
    with pytest.raises(ValueError, match=message):
        TablePreprocessor.fit(frame, CONFIG)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns=["tip", "day"]), r"2 of 9 columns are missing: \['tip', 'day'\]"),
        (lambda frame: frame.assign(tip="much"), "column 'tip' must hold numbers but has text in 244 of 244 rows"),
        (lambda frame: frame.assign(tip=-np.inf), "column 'tip' is infinite in 244 of 244 rows"),
    ],
)
def test_unfit_new_rows_are_a_clear_error(bills, change, message):
    fitted = TablePreprocessor.fit(bills, CONFIG)
    with pytest.raises(ValueError, match=message):
        fitted.transform(change(bills))


def test_large_numeric_table_takes_seconds_at_most():
    large = pd.DataFrame(np.random.default_rng(0).normal(size=(600_000, 10)))
    start = time.perf_counter()
    TablePreprocessor.fit(large, CONFIG).transform(large)
    assert time.perf_counter() - start < 10  # about 1 s on two cores; the rest is for a busy machine
