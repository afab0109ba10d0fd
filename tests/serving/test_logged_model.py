import pytest

from swift_hydra_kedro.data.checkpoint import Checkpoint, save_checkpoint
from swift_hydra_kedro.serving.logged_model import load_model

MODEL = Checkpoint({}, {"format": 1})


def test_a_model_is_read_from_its_folder(tmp_path):
    save_checkpoint(tmp_path / "model", MODEL)
    assert load_model(str(tmp_path / "model")) == MODEL


def test_a_model_is_read_from_the_folder_of_a_download(tmp_path):
    (tmp_path / "MLmodel").write_text("flavors: {python_function: {data: data/checkpoint}}\n")
    save_checkpoint(tmp_path / "data/checkpoint", MODEL)
    assert load_model(str(tmp_path)) == MODEL


def test_a_folder_without_a_model_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no model in"):
        load_model(str(tmp_path))


@pytest.mark.parametrize("uri", ["models:/nobody@champion", "file:///nowhere", "RUNS:/1/model"])
def test_a_model_that_mlflow_does_not_know_is_told(tmp_path, monkeypatch, uri):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    with pytest.raises(ValueError, match=f"there is no model '{uri}'"):
        load_model(uri)


def test_another_librarys_model_is_told(tmp_path):
    (tmp_path / "MLmodel").write_text("flavors: {python_function: {data: model.pkl}}\n")
    with pytest.raises(ValueError, match="is not one of this package's models"):
        load_model(str(tmp_path))
