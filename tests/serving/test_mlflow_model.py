"""The MLflow model: logged to a store of its own, loaded back, scored."""

import json
import re
import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from mlflow.pyfunc.scoring_server import invocations

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
        info = log_model(scorer.to_checkpoint(), "# A model\n", mixed_table()[0].head(5))
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


def test_the_folder_holds_data_alone(folder):
    files = {path.name for path in folder.rglob("*") if path.is_file()}
    data = {"tensors.safetensors", "state.json", "model_card.md", "input_example.json", "serving_input_example.json"}
    assert files - {"registered_model_meta"} == data | {
        "MLmodel",
        "conda.yaml",
        "python_env.yaml",
        "requirements.txt",
    }
    assert next(folder.rglob("model_card.md")).read_text() == "# A model\n"


def test_it_loads_without_kedro_and_the_benchmarks_packages(folder, scorer, rows, tmp_path):
    rows.to_parquet(tmp_path / "rows.parquet")
    code = f"""
import sys
for name in ("kedro", "kedro_mlflow", "kedro_datasets", "kedro_viz", "lightgbm", "xgboost", "catboost", "pytest"):
    sys.modules[name] = None  # to import it is an error
import mlflow, pandas
model = mlflow.pyfunc.load_model({str(folder)!r})
model.predict(pandas.read_parquet({str(tmp_path / "rows.parquet")!r})).to_parquet({str(tmp_path / "out.parquet")!r})
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out.parquet"), scorer.decide(rows), check_exact=True)


def test_text_that_stands_for_numbers_is_read(model, scorer, rows):
    written = rows.assign(count=rows["count"].astype(str))
    np.testing.assert_array_equal(model.predict(written)["score"], scorer.score(rows))


def test_rows_that_cannot_be_scored_are_told_by_number(model, rows):
    wrong = rows.astype({"size": object})
    wrong.iloc[[2, 5], 0] = ["big", np.inf]
    with pytest.raises(MlflowException, match=r"2 of 40 rows cannot be scored; row 2: column 'size' must be") as error:
        model.predict(wrong)
    assert "row 5: column 'size' is infinite" in str(error.value)
    assert error.value.get_http_status_code() == 400


def test_too_many_rows_at_once_are_refused(model, rows):
    with pytest.raises(ValueError, match="100001 rows at once; at most 100000 are taken"):
        model.predict(rows.iloc[np.zeros(100_001, dtype=int)])


@pytest.mark.parametrize("form", ["dataframe_split", "dataframe_records", "parquet"])
def test_mlflows_server_answers_requests_of_each_form(model, scorer, rows, form):
    body, kind = rows.to_parquet(), "application/vnd.apache.parquet"
    if form != "parquet":
        orient = form.removeprefix("dataframe_")
        body = json.dumps({form: json.loads(rows.to_json(orient=orient, double_precision=15))}).encode()
        kind = "application/json"
    answer = invocations(body, kind, model, model.metadata.get_input_schema())
    scores = [row["score"] for row in json.loads(answer.response)["predictions"]]
    np.testing.assert_allclose(scores, scorer.score(rows), rtol=1e-6)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"size": "big"}, "row 0: column 'size' must be a number and is 'big'"),
        ({"size": 10**400}, "row 0: column 'size' is infinite"),
        ({"colour": ["red", {"a": 1}]}, "row 0: column 'colour' must be one value and is ['red', {'a': 1}]"),
    ],
)
def test_mlflows_server_says_what_is_wrong_with_a_row(model, row, reason):
    body = json.dumps({"dataframe_records": [{"size": 1.0, "colour": "red", "count": 2, "noise": 0.1} | row]}).encode()
    with pytest.raises(MlflowException, match=re.escape(reason)) as error:
        invocations(body, "application/json", model, model.metadata.get_input_schema())
    assert error.value.get_http_status_code() == 400


def test_no_rows_give_no_scores(model, rows):
    assert len(model.predict(rows[:0])) == 0


def test_requirements_name_this_package_and_its_version(folder):
    assert f"swift_hydra_kedro=={__version__}" in (folder / "requirements.txt").read_text().split()


def test_model_belongs_to_the_active_run(logged):
    assert mlflow.get_run(logged["run_id"]).info.status == "FINISHED"
