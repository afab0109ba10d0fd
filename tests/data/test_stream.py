"""Tables chunk by chunk, against the same tables read at once."""

import time

import fsspec
import numpy as np
import pandas as pd
import pytest
from pandas.io.parsers.readers import STR_NA_VALUES

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
    stream = TableStream(str(path))
    assert stream.columns == ["size", "colour"]
    assert stream.n_rows == (None if ".csv" in path.name else 1000)


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
