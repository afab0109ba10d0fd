"""Tables written chunk by chunk: all of them or nothing."""

from decimal import Decimal

import pandas as pd
import pytest

from swift_hydra_kedro.data.sink import beside, open_sink, remove

FIRST, SECOND = pd.DataFrame({"a": [1, 2], "b": ["x", None]}), pd.DataFrame({"a": [3], "b": ["z"]})


def read(path):
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)


@pytest.fixture(params=["t.parquet", "t.csv", "t.csv.gz"])
def path(request, tmp_path):
    return tmp_path / "new" / request.param


def test_chunks_become_one_table(path):
    with open_sink(str(path)) as write:
        write(FIRST)
        write(SECOND)
        assert not path.exists()
    pd.testing.assert_frame_equal(read(path), pd.concat([FIRST, SECOND], ignore_index=True), check_dtype=False)
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_what_was_there(path):
    with open_sink(str(path)) as write:
        write(FIRST)
    with pytest.raises(RuntimeError, match="power cut"), open_sink(str(path)) as write:
        write(SECOND)
        raise RuntimeError("power cut")
    assert len(read(path)) == 2
    assert list(path.parent.iterdir()) == [path]


def test_a_column_without_values_in_the_first_rows_may_have_text_later(path):
    with open_sink(str(path)) as write:
        write(FIRST.assign(b=None))
        write(SECOND)
    assert read(path)["b"].isna().tolist() == [True, True, False]


def test_no_rows_leave_a_header(path):
    with open_sink(str(path)) as write:
        write(FIRST[:0])
    assert read(path).columns.tolist() == ["a", "b"]


def test_other_formats_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"t.xlsx: the output's name must end in"), open_sink(str(tmp_path / "t.xlsx")):
        pytest.fail("opened")
    assert not list(tmp_path.iterdir())


def test_what_is_not_there_need_not_be_removed(tmp_path):
    (tmp_path / "t.csv").touch()
    for _ in range(2):
        remove(str(tmp_path / "t.csv"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("path", "alerts"),
    [
        ("scores.parquet", "scores.alerts.html"),
        ("a.b/scores.CSV.gz", "a.b/scores.alerts.html"),
        ("memory://x/2026.11.25.parquet", "memory://x/2026.11.25.alerts.html"),
        ("folder", "folder.alerts.html"),
    ],
)
def test_what_belongs_to_a_table_lies_beside_it(path, alerts):
    assert beside(path, "alerts.html") == alerts


def test_of_two_that_write_to_one_place_the_last_to_end_counts(path):
    with open_sink(str(path)) as first:
        first(FIRST)
        with open_sink(str(path)) as second:
            second(SECOND)
        first(FIRST)
    assert read(path)["a"].tolist() == [1, 2, 1, 2]
    assert list(path.parent.iterdir()) == [path]


def test_later_decimals_may_have_more_digits(tmp_path):
    with open_sink(str(tmp_path / "t.parquet")) as write:
        for number in ("7", "12345678901234567890"):
            write(pd.DataFrame({"id": [Decimal(number)]}))
    assert pd.read_parquet(tmp_path / "t.parquet")["id"].tolist() == [7, 12345678901234567890]
