import numpy as np
import pandas as pd
import plotly.express as px
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swift_hydra_kedro.data.table import LabelledTable, feature_frame, from_arrays
from swift_hydra_kedro.data.tabular import as_features


def tips() -> LabelledTable:
    frame = px.data.tips()
    frame.loc[[3, 7], "total_bill"] = np.nan
    frame.loc[5, "day"] = None
    label = pd.Series((frame.pop("smoker") == "Yes").astype(np.int8), name="label")
    return LabelledTable(as_features(frame), label, pd.DataFrame({"bill": [f"b{i}" for i in range(len(frame))]}))


def assert_same(found: LabelledTable, expected: LabelledTable) -> None:
    pd.testing.assert_frame_equal(found.features, expected.features, check_dtype=False)
    pd.testing.assert_series_equal(found.label, expected.label)
    assert (found.row_id is None) == (expected.row_id is None)
    if expected.row_id is not None:
        pd.testing.assert_frame_equal(found.row_id, expected.row_id, check_dtype=False)


@pytest.mark.parametrize("rows", [slice(None), [200, 5, 3]])
def test_parquet_round_trip_keeps_everything(tmp_path, rows):
    table = tips().take(np.arange(244)[rows])
    table.to_frame().to_parquet(tmp_path / "t.parquet")
    assert_same(LabelledTable.from_frame(pd.read_parquet(tmp_path / "t.parquet")), table)


@settings(deadline=None)  # a busy machine is no failure
@given(names=st.lists(st.text(st.characters(codec="utf-8"), max_size=12), min_size=1, max_size=5, unique=True))
def test_round_trip_survives_any_column_name(names):
    try:
        table = LabelledTable(
            pd.DataFrame([[1.0] * len(names), [2.0] * len(names)], columns=names),
            pd.Series([0, 1], dtype=np.int8, name="label"),
            pd.DataFrame([[7] * len(names), [8] * len(names)], columns=names),
        )
    except ValueError as error:
        assert "may not begin with" in str(error)
        return
    assert_same(LabelledTable.from_frame(table.to_frame()), table)


@pytest.mark.parametrize(
    ("frame", "n_labels", "message"),
    [
        (pd.DataFrame({"a": [1.0, 2.0]}), 3, r"differ in length: \[2, 3\]"),
        (pd.DataFrame([[1.0, 2.0]], columns=["a", "a"]), 1, r"occur twice: \['a'\]"),
        (pd.DataFrame({"__label__": [1.0]}), 1, r"rename \['__label__'\]"),
        (pd.DataFrame({"__id__x": [1.0]}), 1, r"rename \['__id__x'\]"),
    ],
)
def test_inconsistent_parts_are_refused(frame, n_labels, message):
    with pytest.raises(ValueError, match=message):
        LabelledTable(frame, pd.Series(np.zeros(n_labels, np.int8)))


def test_foreign_frame_is_refused():
    with pytest.raises(ValueError, match="no column __label__"):
        LabelledTable.from_frame(pd.DataFrame({"a": [1]}))


def test_arrays_become_sorted_columns_in_float64():
    assert list(feature_frame(np.zeros((1, 11), np.uint8)).columns)[:3] == ["f00", "f01", "f02"]
    table = from_arrays(np.array([[1], [2]], np.int16), np.array([0.0, 1.0]))
    assert table.features["f0"].dtype == np.float64
    assert table.label.dtype == np.int8
    with pytest.raises(ValueError, match=r"must be 0 and 1, found \[0, 2\]"):
        from_arrays(np.zeros((2, 1)), np.array([0, 2]))
