"""Tables chunk by chunk, against the same tables read at once."""

import time

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from pandas.io.parsers.readers import STR_NA_VALUES

from swift_hydra_kedro.data import stream
from swift_hydra_kedro.data.stream import MISSING, TableStream

ROWS = pd.DataFrame({"size": np.arange(1000) / 8, "colour": ["red", 'blue, "deep"', None, "two\nlines"] * 250})


def read(path, columns=("colour", "size"), n_rows=70, n_bytes=2000):
    return list(TableStream(str(path)).chunks(columns, n_rows, n_bytes))


@pytest.fixture(params=["rows.csv", "rows.csv.gz", "rows.parquet", "folder"])
def path(request, tmp_path):
    path = tmp_path / request.param
    if path.name == "folder":
        path.mkdir()
        for number, part in enumerate(np.array_split(np.arange(1000), 3)):
            ROWS.iloc[part].to_parquet(path / f"part-{number}.parquet")
    elif path.suffix == ".parquet":
        ROWS.to_parquet(path)
    else:
        ROWS.to_csv(path, index=False)
    return path


def test_chunks_are_the_rows_in_their_order(path):
    chunks = read(path)
    together = pd.concat([chunk.rows for chunk in chunks], ignore_index=True)
    assert len(chunks) > 5
    assert [chunk.start for chunk in chunks] == np.cumsum([0, *(len(chunk.rows) for chunk in chunks[:-1])]).tolist()
    np.testing.assert_array_equal(together["size"].astype(float), ROWS["size"])
    assert together["colour"].where(together["colour"].notna(), None).tolist() == ROWS["colour"].tolist()
    assert together.columns.tolist() == ["colour", "size"]


def test_columns_and_the_number_of_rows_are_known_without_reading_a_csv_file(path):
    table = TableStream(str(path))
    assert table.columns == ["size", "colour"]
    assert table.n_rows == (None if ".csv" in path.name else 1000)


def test_urls_are_read():
    with fsspec.open("memory://tables/rows.csv", "wt") as file:
        file.write("size,colour\n1,red\n")
    (chunk,) = read("memory://tables/rows.csv")
    assert chunk.rows.iloc[0].tolist() == ["red", "1"]


def test_lines_of_another_number_of_fields_are_told(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("size,colour\n1,red\n2,blue,3\n4,green\n" + "5," + "x," * 200 + "\n")
    (chunk,) = read(path)
    assert chunk.rows["size"].tolist() == ["1", "4"]
    assert chunk.broken[0] == "3 fields, where the header has 2: '2,blue,3'"
    assert len(chunk.broken[1]) < 200


def test_no_broken_line_is_lost_or_told_twice_however_far_the_reader_is_ahead(tmp_path):
    path, lines = tmp_path / "rows.csv", [f"{i},red" if i % 3 else f"{i},too,many" for i in range(3000)]
    path.write_text("\n".join(["size,colour", *lines]))
    rows, broken = 0, []
    for chunk in TableStream(str(path)).chunks(["size"], 1, 1024):
        time.sleep(0.02)  # meanwhile the reader goes on
        rows, broken = rows + len(chunk.rows), broken + chunk.broken
    assert rows == 2000
    assert [int(message.split("'")[1].split(",")[0]) for message in broken] == list(range(0, 3000, 3))


def test_missing_values_are_spelt_as_in_training_tables():
    assert set(MISSING) == STR_NA_VALUES


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file or folder .*nothing.csv"):
        _ = TableStream(str(tmp_path / "nothing.csv")).columns


@pytest.mark.parametrize("name", ["rows.xlsx", "rows.parquet"])
def test_what_is_no_table_is_told(tmp_path, name):
    path = tmp_path / name
    path.write_text("no table")
    with pytest.raises(ValueError, match=name):
        read(path)


def test_a_folder_without_tables_is_told(tmp_path):
    with pytest.raises(ValueError, match="no Parquet files"):
        read(tmp_path)


def test_a_file_that_ends_in_the_middle_is_told(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes(b"size,colour\n1,red\n2,\xff\xfe\n")
    with pytest.raises(ValueError, match=r"cannot read .*rows.csv"):
        read(path)


def test_other_files_that_cannot_be_read_are_told_by_name(tmp_path):
    (tmp_path / "empty.csv").touch()
    (tmp_path / "latin.csv").write_bytes("größe\n1\n".encode("latin-1"))
    for name in ("empty.csv", "latin.csv"):
        with pytest.raises(ValueError, match=rf"cannot read .*{name}"):
            _ = TableStream(str(tmp_path / name)).columns
    cut = tmp_path / "cut.csv.gz"
    ROWS.to_csv(cut, index=False)
    cut.write_bytes(cut.read_bytes()[:-500])
    with pytest.raises(ValueError, match=r"cannot read .*cut.csv.gz"):
        read(cut)


def test_a_table_whose_lines_are_all_broken_does_not_fill_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "MOST_BROKEN", 100)
    path = tmp_path / "rows.csv"
    path.write_text("size,colour\n" + "1,red,\n" * 5000)
    with pytest.raises(ValueError, match=r"cannot read .*rows.csv, after 0 rows: .*Expected 2 columns, got 3"):
        read(path)


def folder_of(tmp_path, *frames):
    for number, frame in enumerate(frames):
        frame.to_parquet(tmp_path / f"part-{number}.parquet")
    return TableStream(str(tmp_path))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [([1, 2], [0.5, None], [1.0, 2.0, 0.5, None]), ([None, None], ["x", "y"], [None, None, "x", "y"])],
)
def test_files_of_a_folder_may_be_of_types_that_go_together(tmp_path, first, second, expected):
    table = folder_of(tmp_path, *(pd.DataFrame({"a": values}) for values in (first, second)))
    found = pd.concat([chunk.rows for chunk in table.chunks(["a"], 10, 0)])["a"]
    assert found.astype(object).where(found.notna(), None).tolist() == expected


def test_files_of_a_folder_that_do_not_go_together_are_told(tmp_path):
    table = folder_of(tmp_path, pd.DataFrame({"a": [1]}), pd.DataFrame({"a": ["x"]}))
    with pytest.raises(ValueError, match=r"its files hold different things: .*a"):
        list(table.chunks(["a"], 10, 0))


def test_columns_are_known_for_each_file_of_a_folder(tmp_path):
    table = folder_of(tmp_path, pd.DataFrame({"a": [1], "b": [1]}), pd.DataFrame({"b": [2]}))
    assert [columns for _, columns in sorted(table.columns_of_files.items())] == [["a", "b"], ["b"]]


def test_large_integers_beside_missing_ones_are_not_rounded(tmp_path):
    large = 2**60 + 3
    path = tmp_path / "rows.parquet"
    pyarrow.parquet.write_table(pa.table({"id": pa.array([large, None]), "size": [1.0, 2.0]}), path)
    (chunk,) = read(path, ("id", "size"))
    assert chunk.rows["id"][0] == large
    assert chunk.rows["id"].isna().tolist() == [False, True]
