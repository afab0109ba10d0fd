import numpy as np
import pandas as pd
import pytest

from swift_hydra_kedro.config import TableConfig, TablesConfig
from swift_hydra_kedro.data import adbench
from swift_hydra_kedro.data.embedded import breast_cancer
from swift_hydra_kedro.data.sources import RawTables

NO_TABLES = TablesConfig({})


def test_own_table_comes_first_and_starts_at_the_project(tmp_path):
    (tmp_path / "own.csv").write_text("a,y\n1,0\n2,1\n")
    tables = TablesConfig({"digits": TableConfig(path="own.csv")})
    assert len(RawTables(tmp_path / "raw", tmp_path).read("digits", tables)) == 2
    assert len(RawTables(tmp_path / "raw", tmp_path).read("digits", NO_TABLES)) == 1708


def test_embedded_set_needs_neither_folder_nor_network(tmp_path):
    table = RawTables(tmp_path / "raw", tmp_path, "http://127.0.0.1:9").read("breast_cancer", NO_TABLES)
    pd.testing.assert_frame_equal(table.to_frame(), breast_cancer().to_frame())
    assert not (tmp_path / "raw").exists()


def test_adbench_stem_is_fetched_from_the_mirror(tmp_path, monkeypatch):
    (tmp_path / "mirror/Classical").mkdir(parents=True)
    X = np.arange(22.0).reshape(2, 11)
    np.savez(tmp_path / "mirror/Classical/6_cardio.npz", X=X, y=np.array([0, 1]))
    unknown = {"sha256": None, "n_samples": None, "n_features": None, "n_anomalies": None}
    known = adbench.entry("6_cardio").model_copy(update=unknown)
    monkeypatch.setattr(adbench, "entry", lambda stem: known)
    table = RawTables(tmp_path / "raw", tmp_path, str(tmp_path / "mirror")).read("6_cardio", NO_TABLES)
    np.testing.assert_array_equal(table.features.to_numpy(), X)
    assert list(table.features.columns[[0, 10]]) == ["f00", "f10"]
    assert table.label.tolist() == [0, 1]
    assert (tmp_path / "raw/6_cardio.npz").exists()


@pytest.mark.parametrize(
    ("name", "hint"),
    [("cardiotocography", "7_Cardiotocography"), ("Breast-Cancer", "breast_cancer"), ("MyTabel", "mytable")],
)
def test_unknown_name_suggests_close_ones(tmp_path, name, hint):
    tables = TablesConfig({"mytable": TableConfig(path="x.csv")})
    with pytest.raises(ValueError, match=f"no data set '{name}'; did you mean .*{hint}.*parameters_ingestion.yml"):
        RawTables(tmp_path, tmp_path).read(name, tables)


def test_hopeless_name_gets_no_suggestion(tmp_path):
    with pytest.raises(ValueError, match=r"no data set 'qqqqq'\. A name is .*none yet"):
        RawTables(tmp_path, tmp_path).read("qqqqq", NO_TABLES)


def test_names_are_checked_without_reading(tmp_path):
    own = TablesConfig({"mine": TableConfig(path="missing.csv")})
    raw = RawTables(tmp_path / "raw", tmp_path)
    raw.check_names(["mine", "digits", "6_cardio"], own)
    with pytest.raises(ValueError, match="there is no data set 'minne'; did you mean mine"):
        raw.check_names(["minne"], own)


def test_a_shape_is_that_of_the_table_or_the_one_in_the_manifest(tmp_path):
    (tmp_path / "own.csv").write_text("a,b,y\n1,2,0\n2,1,1\n")
    own = TablesConfig({"mine": TableConfig(path="own.csv")})
    raw = RawTables(tmp_path / "raw", tmp_path)
    assert [raw.shape(name, own) for name in ("mine", "breast_cancer", "6_cardio")] == [(2, 2), (397, 10), (1831, 21)]


def test_the_adbench_files_are_those_of_the_mirror_or_all(tmp_path):
    (tmp_path / "NLP_by_BERT").mkdir()
    (tmp_path / "NLP_by_BERT/imdb.npz").touch()
    assert RawTables(tmp_path / "raw", tmp_path, f"{tmp_path}/").adbench_files() == ["imdb"]
    assert RawTables(tmp_path / "raw", tmp_path).adbench_files() == list(adbench.stems())
