"""Which rows can be scored: text that stands for numbers, and reasons where it does not."""

import numpy as np
import pandas as pd
import pytest

from swift_hydra_kedro.config import PreparationConfig
from swift_hydra_kedro.data.admission import admit
from swift_hydra_kedro.data.preprocessing import TablePreprocessor
from swift_hydra_kedro.data.tabular import as_features

TRAIN = pd.DataFrame({"size": [1.0, 2.5, np.nan, 4.0], "branch": ["1", "2", "1", "x"], "open": [0.0, 1.0, 1.0, 0.0]})


@pytest.fixture
def fitted():
    return TablePreprocessor.fit(TRAIN, PreparationConfig())


def test_rows_as_in_training_pass_unchanged(fitted):
    features, reason = admit(TRAIN, fitted)
    assert reason.tolist() == [""] * 4
    np.testing.assert_array_equal(fitted.transform(features), fitted.transform(TRAIN))


def test_text_stands_for_the_numbers_and_categories_of_training(fitted):
    as_text = pd.DataFrame(
        {"open": ["0", " 1", "True", "false"], "branch": ["1.0", "2", "1", "x"], "size": ["1", "2.5", None, "4e0"]}
    )
    features, reason = admit(as_text, fitted)
    assert reason.tolist() == [""] * 4
    np.testing.assert_array_equal(fitted.transform(features), fitted.transform(TRAIN))


def test_text_stands_for_categories_that_were_fractions():
    fitted = TablePreprocessor.fit(TRAIN.assign(branch=["1.5", "2", "1.5", "x"]), PreparationConfig())
    features, _ = admit(TRAIN.assign(branch=["1.50", "2.0", "1.5", "x"]), fitted)
    assert features["branch"].tolist() == ["1.5", "2", "1.5", "x"]


def test_numbers_stand_for_categories_that_were_numbers(fitted):
    features, _ = admit(TRAIN.assign(branch=[1.0, 2.0, 1.0, np.nan]), fitted)
    np.testing.assert_array_equal(fitted.transform(features)[:3], fitted.transform(TRAIN)[:3])


def test_rows_are_refused_for_the_first_thing_that_is_wrong(fitted):
    rows = pd.DataFrame({"size": ["1", "big", "inf", "?"], "branch": ["1"] * 4, "open": ["1", "0", "1", "no"]})
    reason = admit(rows, fitted).reason.tolist()
    assert reason == [
        "",
        "column 'size' must be a number and is 'big'",
        "column 'size' is infinite",
        "column 'size' must be a number and is '?'",
    ]


def test_what_json_may_hold_beside_numbers_and_text_is_refused(fitted):
    rows = pd.DataFrame(
        {"size": [1.0, 10**400, [1.0], 2.0], "branch": ["1", "1", "1", ["x", 2]], "open": [0, 1, 1, {"no": 1}]},
        dtype=object,
    )
    assert admit(rows, fitted).reason.tolist() == [
        "",
        "column 'size' is infinite",
        "column 'size' must be a number and is [1.0]",
        "column 'open' must be a number and is {'no': 1}",
    ]
    rows["size"] = [1, 10**400, 3, 4]
    rows["open"] = 0
    assert admit(rows, fitted).reason.tolist() == [
        "",
        "column 'size' is infinite",
        "",
        "column 'branch' must be one value and is ['x', 2]",
    ]
    rows["branch"] = ["1", "1", "1", np.array(["x", 2], dtype=object)]  # as Parquet gives lists
    assert admit(rows, fitted).reason[-1].startswith("column 'branch' must be one value and is array(")


def test_new_categories_and_gaps_are_no_reason(fitted):
    rows = pd.DataFrame({"size": [None, "3"], "branch": ["new", None], "open": ["1", None]})
    assert admit(rows, fitted).reason.tolist() == ["", ""]


def test_dates_for_numbers_are_an_error(fitted):
    rows = pd.DataFrame({"size": pd.to_datetime(["2024-05-31"] * 2), "branch": ["1", "1"], "open": [0, 1]})
    with pytest.raises(ValueError, match="'size' holds dates or durations, and held numbers in training"):
        admit(rows, fitted)


def test_a_date_as_text_is_a_reason_whatever_rows_come_with_it(fitted):
    rows = pd.DataFrame({"size": ["2024-05-31", "1"], "branch": ["1", "1"], "open": [0, 1]})
    expected = ["column 'size' must be a number and is '2024-05-31'", ""]
    assert admit(rows, fitted).reason.tolist() == expected
    assert admit(rows[:1], fitted).reason.tolist() == expected[:1]


@pytest.mark.parametrize("spelt", [["True", "False"], ["true", " FALSE"], [True, False]])
def test_truth_stands_for_categories_that_were_true_and_false(spelt):
    truth = TRAIN.assign(branch=as_features(pd.DataFrame({"b": [True, False, True, True]}), ["b"])["b"])
    fitted = TablePreprocessor.fit(truth, PreparationConfig())
    features, reason = admit(TRAIN[:2].assign(branch=spelt), fitted)
    assert reason.tolist() == ["", ""]
    np.testing.assert_array_equal(fitted.transform(features), fitted.transform(truth[:2]))
