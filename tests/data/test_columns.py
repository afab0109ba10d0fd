from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from swift_hydra_kedro.data.columns import (
    is_numeric,
    reject_dates,
    reject_misread_numbers,
    to_numbers,
    to_text,
    to_times,
)


@pytest.mark.parametrize(
    ("values", "numeric"),
    [
        (pd.Series([1, 2]), True),
        (pd.Series([True, False]), True),
        (pd.Series([1, None], dtype="Int64"), True),
        (pd.Series([Decimal("1.5"), None], dtype=object), True),
        (pd.Series([1, 2.5, None], dtype=object), True),
        (pd.Series(["1", "2"]), False),
        (pd.Series([1, "b"], dtype=object), False),
        (pd.Series([1, 2], dtype="category"), False),
        (pd.Series([None, None], dtype=object), False),
    ],
)
def test_kind_follows_the_type_not_the_text(values, numeric):
    assert is_numeric(values) is numeric


def test_numbers_of_every_type_become_float64():
    for values in ([True, False], [1, 0]):
        np.testing.assert_array_equal(to_numbers(pd.Series(values)), [1.0, 0.0])
    for missing in (pd.Series([1, None], dtype="Int64"), pd.Series(["1", None]), pd.Series([Decimal(1), None])):
        np.testing.assert_array_equal(to_numbers(missing), [1.0, np.nan])


def test_text_among_numbers_is_counted_and_shown():
    with pytest.raises(ValueError, match=r"'age' must hold numbers but has text in 2 of 4 rows, such as 'old'"):
        to_numbers(pd.Series([1, "old", "new", None], name="age", dtype=object))


def test_equal_values_get_equal_text():
    values = pd.Series([1, 1.0, np.float32(1), "1", 0.5, True, "b", None], dtype=object)
    assert to_text(values).iloc[:-1].tolist() == ["1", "1", "1", "1", "0.5", "1", "b"]
    assert to_text(values).isna().tolist() == [False] * 7 + [True]
    assert to_text(pd.Series([2.0, np.nan])).iloc[0] == "2"


@pytest.mark.parametrize(
    "values",
    [
        pd.to_datetime(pd.Series(["2024-05-31", None])),
        pd.to_datetime(pd.Series(["2024-05-31"]), utc=True),
        pd.to_timedelta(pd.Series(["1 day"])),
        pd.Series(pd.period_range("2024-01", periods=2, freq="M")),
        pd.Series(["2024-05-31", "2024-06-01 12:00:00", None]),
        pd.Series(["31.12.2024", "1.1.2025"]),
        pd.Series(["12/31/2024 10:00", "unknown", "1/1/2025 9:30"]),
    ],
)
def test_dates_are_refused_with_a_remedy(values):
    with pytest.raises(ValueError, match=r"column 'when' holds dates or durations: convert .* id_columns"):
        reject_dates(values.rename("when"))


def test_other_columns_are_no_dates():
    for values in (["2024-05-31", "unknown"], [20240531, 20240601], [None, None]):
        reject_dates(pd.Series(values))
    with pytest.raises(ValueError, match="complex"):
        is_numeric(pd.Series([1j]))


def numbers_as_text(strays=(), n=100):
    return pd.Series([*(f"{i / 7:.3f}" for i in range(n)), *strays], name="amount")


@pytest.mark.parametrize(
    ("column", "complaint"),
    [
        (numbers_as_text(["?", "n/a"]), r"in 2 of 102 rows, such as '\?'"),
        (numbers_as_text().str.replace(".", ","), r"in 100 of 100 rows, such as '0,000'.*decimal point"),
        ("$" + numbers_as_text(), r"in 100 of 100 rows, such as '\$0.000'.*without marks of money"),
        (numbers_as_text() + " %", r"in 100 of 100 rows, such as '0.000 %'.*per cent"),
        (
            pd.Series([f"{1000 + 7 * i:,}.50" for i in range(100)], name="amount"),
            r"in 100 of 100 rows, such as '1,000\.50'.*thousands",
        ),
    ],
)
def test_numbers_that_were_read_as_text_are_refused(column, complaint):
    with pytest.raises(ValueError, match=f"column 'amount' seems to hold numbers but has text {complaint}"):
        reject_misread_numbers(column)


@pytest.mark.parametrize(
    "column",
    [
        numbers_as_text(["?"]).astype("category"),
        numbers_as_text(["A"], n=20),  # few enough to be codes
        pd.Series([f"id{i}" for i in range(100)] + ["7"]),
        numbers_as_text(),  # all are numbers: whoever made them text meant it
        pd.Series([1.0, 2.0, np.nan]),
    ],
)
def test_categories_are_no_misread_numbers(column):
    reject_misread_numbers(column)


def test_lists_are_refused_by_column():
    with pytest.raises(ValueError, match="column 'tags' must hold one value per row"):
        to_text(pd.Series([["a"], ["b"]], name="tags"))


@pytest.mark.parametrize(
    "values",
    [
        [3, 1, 2],
        [3.5, -1, 2],
        ["2024-05-31T14:00", "2023-12-01", "2024-05-31T09:30:00"],
        ["2024-05-31 14:00+02:00", "2024-05-31 01:00+02:00", "2024-05-31 11:59Z"],
        pd.to_datetime(["2024-05-31", "1969-05-31", "2000-01-01"]),
        pd.period_range("2024-01", periods=3, freq="M")[[2, 0, 1]],
        pd.period_range("2024-01", periods=3, freq="Q")[[2, 0, 1]],
        pd.to_timedelta([3, 1, 2], unit="h"),
        pd.Categorical([3, 1, 2]),
        pd.Categorical(["2024-03-01", "2024-01-01", "2024-02-01"]),
        ["1717000400", "1717000200", " 1717000300.5"],
        [10**20 + 10**6, 1, 10**20],
    ],
)
def test_times_have_the_order_of_their_column(values):
    assert to_times(pd.Series(values, name="when")).argsort().tolist() == [1, 2, 0]


@pytest.mark.parametrize(
    "values", [["2024-05-31", "3.4.2024"], [1.0, np.nan], ["2024-05-31", None], ["2024-05-31", "now"]]
)
def test_what_cannot_be_ordered_in_time_is_told(values):
    with pytest.raises(ValueError, match=r"time_column 'when' holds no number and no date .* in 1 of 2 rows"):
        to_times(pd.Series(values, name="when"))
