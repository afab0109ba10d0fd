"""Own tables, on plotly's restaurant bills: numbers, text, and gaps made here."""

from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pandas as pd
import plotly.express as px
import pytest

from swift_hydra_kedro.config import TableConfig
from swift_hydra_kedro.data.tabular import read_table


@pytest.fixture
def bills() -> pd.DataFrame:
    frame = px.data.tips().assign(bill=[f"b{i}" for i in range(244)])
    frame.loc[[3, 7], "total_bill"] = np.nan
    frame.loc[5, "day"] = None
    return frame


CONFIG = {"label": "smoker", "positive_label": "Yes", "id_columns": ("bill",), "categorical_columns": ("size",)}


def save(frame: pd.DataFrame, path) -> None:
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet"])
def test_every_format_gives_the_same_typed_table(tmp_path, bills, name):
    save(bills, tmp_path / name)
    table = read_table(TableConfig(path=name, **CONFIG), project=tmp_path)
    assert list(table.features.columns) == ["total_bill", "tip", "sex", "day", "time", "size"]
    assert table.features[["total_bill", "tip"]].dtypes.eq(np.float64).all()
    assert table.features["total_bill"].isna().sum() == 2
    assert table.features["day"].isna().sum() == 1
    assert set(table.features["size"]) == set("123456")
    assert table.label.dtype == np.int8
    assert table.label.sum() == (bills["smoker"] == "Yes").sum()
    assert table.row_id["bill"].tolist() == bills["bill"].tolist()


def test_npz_with_named_label_and_categories(tmp_path):
    np.savez(tmp_path / "t.npz", X=np.arange(6).reshape(3, 2), fraud=np.array([0, 1, 1]))
    config = TableConfig(path=str(tmp_path / "t.npz"), label="fraud", categorical_columns=("f1",))
    table = read_table(config, project=tmp_path / "elsewhere")
    assert table.label.tolist() == [0, 1, 1]
    assert table.features["f0"].tolist() == [0.0, 2.0, 4.0]
    assert table.features["f1"].tolist() == ["1", "3", "5"]


def test_url_is_read_over_http(tmp_path, bills):
    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=tmp_path)

        def log_message(self, *args):
            pass

    np.savez(tmp_path / "t.npz", X=np.zeros((2, 1)), smoker=np.array(["No", "Yes"]))
    save(bills, tmp_path / "t.csv")
    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        from_csv = read_table(TableConfig(path=f"{url}/t.csv", **CONFIG), tmp_path)
        from_npz = read_table(TableConfig(path=f"{url}/t.npz", label="smoker", positive_label="Yes"), tmp_path)
        server.shutdown()
    assert len(from_csv) == 244
    assert from_npz.label.tolist() == [0, 1]


@pytest.mark.parametrize("positive", [1, 1.0, True, "1", "1.0", " true "])
@pytest.mark.parametrize("values", [[0, 1], [0.0, 1.0], [False, True], ["0", "1"], ["False", "True"]])
def test_positive_label_matches_however_it_is_spelt(tmp_path, positive, values):
    pd.DataFrame({"a": [1.0, 2.0, 3.0], "y": [*values, values[1]]}).to_parquet(tmp_path / "t.parquet")
    table = read_table(TableConfig(path="t.parquet", positive_label=positive), tmp_path)
    assert table.label.tolist() == [0, 1, 1]


TABLE = {"a": [1.0, 2.0, 3.0], "y": [0, 1, 1]}


@pytest.mark.parametrize(
    ("changes", "config", "message"),
    [
        ({"y": [0, 1, None]}, {}, "label column 'y' is missing in 1 of 3 rows"),
        ({"y": [0, 1, 2]}, {}, "'y' must hold exactly two values but has 3 in 3 rows: '0', '1', '2'"),
        ({"y": [0, 0, 0]}, {}, "'y' must hold exactly two values but has 1 in 3 rows: '0'"),
        (
            {"y": ["no", "yes", "no"]},
            {},
            "positive_label 1 does not occur in label column 'y', which holds 'no', 'yes'",
        ),
        ({}, {"label": "fraud"}, r"label names \['fraud'\], but the columns are 'a', 'y'"),
        ({}, {"id_columns": ("id",)}, r"id_columns names \['id'\], but the columns are"),
        ({}, {"categorical_columns": ("b",)}, r"categorical_columns names \['b'\], but the columns are"),
        ({}, {"id_columns": ("y",)}, "id_columns names the label 'y'"),
        ({}, {"id_columns": ("a",), "categorical_columns": ("a",)}, r"both name \['a'\]"),
        ({"when": ["2024-05-31"] * 3}, {}, "column 'when' holds dates"),
        ({}, {"time_column": "when"}, r"time_column names \['when'\], but the columns are"),
        ({}, {"time_column": "y"}, "time_column names the label 'y'"),
        ({}, {"time_column": "a", "categorical_columns": ("a",)}, r"time_column and .* both name \['a'\]"),
        ({"when": ["2024-05-31", "31.5.2024", None]}, {"time_column": "when"}, "'when' holds no .* in 2 of 3 rows"),
        ({"": [0, 1, 2]}, {}, "column 3 has no name in the header"),
        ({"__label__": [0, 1, 2]}, {}, "may not begin with"),
    ],
)
def test_unfit_table_is_a_clear_error_naming_the_file(tmp_path, changes, config, message):
    save(pd.DataFrame(TABLE | changes), tmp_path / "own.csv")
    with pytest.raises(ValueError, match=message) as error:
        read_table(TableConfig(path="own.csv", **config), tmp_path)
    assert "own.csv" in str(error.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("own.csv", "a,a,y\n1,2,0\n3,4,1\n", r"cannot read .*own\.csv: column names occur twice: \['a'\]"),
        ("own.csv", "a,y\n1,2,0\n3,4,1\n", "its rows have more fields than the header has names"),
        ("own.csv", "a;b;y\n1,5;2;0\n", "its header is one column, 'a;b;y', with ';' in it: save it with commas"),
        ("own.csv", "a\ty\n1\t0\n", r"with '\\t' in it"),
        ("own.csv", "a,y\nM\udce4rz,0\n", "save it as UTF-8"),
        ("own.csv.gz", "a,y\n1,0\n", r"cannot read .*own\.csv\.gz"),
        ("own.csv", "", r"cannot read .*own\.csv"),
        ("own.csv", "a,y\n1,2\n1,2,3,4\n", r"cannot read .*own\.csv: .*line 3"),
        ("own.parquet", "a,y\n1,2\n", r"cannot read .*own\.parquet"),
        ("own.npz", "a,y\n1,2\n", r"own\.npz is no npz file"),
        ("own.xlsx", "a,y\n1,2\n", r"own\.xlsx: the file's name must end in \.parquet, \.npz or one of \.csv"),
    ],
)
def test_unreadable_file_is_a_clear_error(tmp_path, name, text, message):
    (tmp_path / name).write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(ValueError, match=message):
        read_table(TableConfig(path=name), tmp_path)


def test_a_folder_is_said_to_be_one(tmp_path):
    (tmp_path / "own").mkdir()
    with pytest.raises(FileNotFoundError, match="own is a folder: `path` is to name one file"):
        read_table(TableConfig(path="own"), tmp_path)


def test_a_column_of_ids_is_told(tmp_path, caplog):
    names = [f"C{i:04}" for i in range(60)]
    save(pd.DataFrame({"who": names, "town": names[:6] * 10, "y": [0, 1] * 30}), tmp_path / "own.csv")
    read_table(TableConfig(path="own.csv"), tmp_path)
    assert "column 'who' is text of which most rows have their own, 60 in 60 rows" in caplog.text
    assert "town" not in caplog.text


def test_missing_file_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"no file {tmp_path}/own.csv; a relative `path` starts at"):
        read_table(TableConfig(path="own.csv"), tmp_path)


def test_column_may_be_called_na(tmp_path):
    (tmp_path / "own.csv").write_text("NA,null,y\n1,2,0\n3,4,1\n")
    assert list(read_table(TableConfig(path="own.csv"), tmp_path).features.columns) == ["NA", "null"]


def test_named_index_of_a_parquet_file_is_a_column(tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.0], "y": [0, 1]}, index=pd.Index(["k1", "k2"], name="customer"))
    frame.to_parquet(tmp_path / "own.parquet")
    table = read_table(TableConfig(path="own.parquet", id_columns=("customer",)), tmp_path)
    assert table.row_id["customer"].tolist() == ["k1", "k2"]
    assert list(table.features.columns) == ["a"]


def test_label_array_may_not_take_a_features_name(tmp_path):
    np.savez(tmp_path / "own.npz", X=np.zeros((2, 1)), f0=np.array([0, 1]))
    with pytest.raises(ValueError, match=r"column names occur twice: \['f0'\]"):
        read_table(TableConfig(path="own.npz", label="f0"), tmp_path)


def test_ids_beyond_64_bits_can_be_stored(tmp_path):
    save(pd.DataFrame(TABLE | {"id": ["1" + 20 * "0", "2", "3"]}), tmp_path / "own.csv")
    table = read_table(TableConfig(path="own.csv", id_columns=("id",)), tmp_path)
    table.to_frame().to_parquet(tmp_path / "table.parquet")
    assert table.row_id["id"].tolist() == ["1" + 20 * "0", "2", "3"]


def test_a_time_column_is_kept_beside_the_row_and_is_no_feature(tmp_path):
    frame = pd.DataFrame(TABLE | {"when": ["2024-05-31", "2024-06-01", "2024-06-02"], "name": ["x", "y", "z"]})
    save(frame, tmp_path / "own.csv")
    table = read_table(TableConfig(path="own.csv", time_column="when", id_columns=("name", "when")), tmp_path)
    assert list(table.row_id.columns) == ["name", "when"]
    assert list(table.features.columns) == ["a"]
    only_time = read_table(TableConfig(path="own.csv", time_column="when", categorical_columns=("name",)), tmp_path)
    assert only_time.beside("when").tolist() == frame["when"].tolist()
    with pytest.raises(ValueError, match="read without its column 'name'"):
        only_time.beside("name")
