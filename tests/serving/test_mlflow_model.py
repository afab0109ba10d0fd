"""The MLflow model: logged to a store of its own, loaded back, scored."""

from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from swift_hydra_kedro import __version__
from swift_hydra_kedro.serving.logging import log_model

from ..mixed_table import fitted_classifier, mixed_table


@pytest.fixture(scope="module")
def scorer():
    return fitted_classifier(threshold=0.3).scorer_


@pytest.fixture(scope="module")
def rows():
    return mixed_table(40, seed=1)[0]


@pytest.fixture(scope="module")
def logged(tmp_path_factory, scorer):
    """Where the model went: MLflow's uri and the run."""
    folder, before = tmp_path_factory.mktemp("tracking"), mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    experiment = mlflow.create_experiment("serving", artifact_location=str(folder / "artifacts"))
    with mlflow.start_run(experiment_id=experiment):
        info = log_model(scorer.to_checkpoint(), mixed_table()[0].head(5))
    yield info
    mlflow.set_tracking_uri(before)


@pytest.fixture(scope="module")
def model(logged):
    return mlflow.pyfunc.load_model(logged["model_uri"])


@pytest.fixture(scope="module")
def folder(logged):
    return Path(mlflow.artifacts.download_artifacts(logged["model_uri"]))


def test_loaded_model_scores_bit_by_bit_alike(model, scorer, rows):
    pd.testing.assert_frame_equal(model.predict(rows), scorer.decide(rows), check_exact=True)


def test_loaded_model_takes_rows_with_missing_numbers_and_text(model, rows):
    assert rows.isna().any().sum() == 2
    assert np.isfinite(model.predict(rows)["score"]).all()


def test_a_number_that_training_always_had_may_be_missing(model, scorer, rows):
    gaps = rows.assign(count=np.nan)
    np.testing.assert_array_equal(model.predict(gaps)["score"], scorer.score(gaps))


def test_signature_names_the_columns_in_and_out(model):
    assert model.metadata.signature.inputs.input_names() == ["size", "colour", "count", "noise"]
    assert model.metadata.signature.outputs.input_names() == ["score", "is_anomaly"]


def test_a_missing_column_is_refused(model, rows):
    with pytest.raises(ValueError, match=r"1 of 4 columns are missing.*colour"):
        model.predict(rows.drop(columns="colour"))


def test_input_example_can_be_scored(model, folder):
    example = model.metadata.load_input_example(str(folder))
    assert list(example.columns) == ["size", "colour", "count", "noise"]
    assert len(model.predict(example)) == 5


def test_no_file_is_a_pickle(folder):
    texts = {"MLmodel", "registered_model_meta"}
    # Python may leave the bytecode of the model's source there
    files = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    files = [path for path in files if path.name not in texts]
    assert {path.suffix for path in files} == {".json", ".py", ".safetensors", ".txt", ".yaml"}


def test_requirements_name_this_package_and_its_version(folder):
    assert f"swift_hydra_kedro=={__version__}" in (folder / "requirements.txt").read_text().split()


def test_model_belongs_to_the_active_run(logged):
    assert mlflow.get_run(logged["run_id"]).info.status == "FINISHED"
