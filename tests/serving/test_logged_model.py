import mlflow
import pytest
from sklearn.dummy import DummyClassifier

from swift_hydra_kedro.data.checkpoint import Checkpoint, save_checkpoint
from swift_hydra_kedro.serving.logged_model import load_model

MODEL = Checkpoint({}, {"format": 1})


def test_a_folder_starts_at_the_project(tmp_path):
    save_checkpoint(tmp_path / "model", MODEL)
    assert load_model("model", tmp_path) == load_model(str(tmp_path / "model"), tmp_path / "elsewhere") == MODEL


def test_a_model_is_read_from_the_folder_of_a_download(tmp_path):
    (tmp_path / "MLmodel").write_text("flavors: {python_function: {data: data/checkpoint}}\n")
    save_checkpoint(tmp_path / "data/checkpoint", MODEL)
    assert load_model(str(tmp_path), tmp_path) == MODEL


@pytest.mark.parametrize("model", ["", "nothing", "models:/nobody@champion", "file:///nowhere", "RUNS:/1/model"])
def test_a_model_that_is_not_there_is_told(tmp_path, monkeypatch, model):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    with pytest.raises(ValueError, match=f"there is no model '{model}': "):
        load_model(model, tmp_path)


def test_another_librarys_model_is_told(tmp_path):
    mlflow.sklearn.save_model(DummyClassifier(), tmp_path / "other", serialization_format="cloudpickle")
    with pytest.raises(ValueError, match="is not one of this package's models"):
        load_model("other", tmp_path)
