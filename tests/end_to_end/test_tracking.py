"""What MLflow holds after a full run."""

import json
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from swift_hydra_kedro.data.checkpoint import name_of
from swift_hydra_kedro.data.table import LabelledTable


@pytest.fixture(scope="module")
def tracked(finished):
    return finished.tracked()[0]


@pytest.fixture(scope="module")
def artifacts(finished, tracked):
    """Paths of the run's artifacts."""
    client, found, folders = finished.client(), set(), [None]
    while folders:
        for entry in client.list_artifacts(tracked.info.run_id, folders.pop()):
            (folders.append if entry.is_dir else found.add)(entry.path)
    return found


@pytest.fixture(scope="module")
def model_info(finished):
    return json.loads((finished.files("08_reporting") / "model_info.json").read_text())


@pytest.fixture(scope="module")
def model_folder(finished, model_info):
    mlflow.set_tracking_uri(f"sqlite:///{finished.folder}/mlflow.db")
    return Path(mlflow.artifacts.download_artifacts(model_info["model_uri"]))


def test_a_full_run_is_one_finished_mlflow_run(finished):
    assert [run.info.status for run in finished.tracked()] == ["FINISHED"]


def test_no_run_stays_open_in_the_process(workshop):
    workshop.run("ingestion", seed=4)
    assert mlflow.active_run() is None


def test_run_is_named_after_the_data_set(tracked):
    assert tracked.info.run_name == "digits"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("detection.experts.n_experts", "4"),
        ("detection.gate.joint_training.max_steps", "20"),
        ("pretraining.cvae.training.learning_rate", "0.003"),
        ("preparation.clip", "10.0"),
        ("synthesis.reward.discount", "0.95"),
        ("decision.threshold", "0.2"),
        ("run.dataset", "digits"),
        ("run.train_size", "0.4"),
        ("run.seed", "0"),
    ],
)
def test_parameters_are_logged_one_field_each(tracked, name, value):
    assert tracked.data.params[name] == value


def test_no_parameter_is_a_blob(tracked):
    blobs = {name: value for name, value in tracked.data.params.items() if "{" in value.strip("{}") or "=" in value}
    assert blobs == {}
    assert max(map(len, tracked.data.params.values())) < 250


def test_every_number_of_metrics_json_is_a_metric(finished, tracked):
    metrics = json.loads((finished.files("08_reporting") / "metrics.json").read_text())
    for method, values in metrics.items():
        logged = tracked.data.metrics
        for name, value in values.items():
            if name != "per_class":
                assert logged[f"{method}.{name}"] == pytest.approx(value)
        for label, numbers in values.get("per_class", {}).items():
            assert logged[f"{method}.class_{label}.recall"] == pytest.approx(numbers["recall"])


@pytest.mark.parametrize("name", ["mean_reward", "invalid_share", "detector_auc_roc", "approx_kl"])
def test_metrics_of_the_synthesis_have_a_step_for_each_episode(finished, tracked, name):
    history = pd.read_csv(finished.files("08_reporting") / "synthesis_history.csv")
    logged = finished.client().get_metric_history(tracked.info.run_id, f"synthesis.{name}")
    assert [point.step for point in logged] == history["episode"].tolist()
    assert [point.value for point in logged] == pytest.approx(history[name].tolist())


@pytest.mark.parametrize(
    ("name", "value"),
    [("dataset", "digits"), ("train_size", "0.4"), ("seed", "0"), ("backend", "torch"), ("budget", "smoke")],
)
def test_tags_say_what_the_run_was(tracked, name, value):
    assert tracked.data.tags[name] == value


def test_git_revision_of_a_folder_outside_of_git_is_none(tracked):
    assert tracked.data.tags["git_revision"] == "none"


@pytest.mark.parametrize(
    "path",
    [
        "figures/roc.json",
        "figures/decision_regions.json",
        "figures/report.html",
        "histories/synthesis_history.csv",
        "histories/pretraining_history.csv",
        "synthetic/synthetic_anomalies.csv",
        "tables/decision.json",
        "tables/metrics.json",
        "tables/rows_per_expert.csv",
    ],
)
def test_figures_tables_and_histories_are_artifacts(artifacts, path):
    assert path in artifacts


def test_artifacts_lie_within_the_project(finished, tracked):
    assert str(finished.folder) in tracked.info.artifact_uri


def test_logged_model_gives_the_pipelines_scores(finished, model_info):
    mlflow.set_tracking_uri(f"sqlite:///{finished.folder}/mlflow.db")
    model = mlflow.pyfunc.load_model(model_info["model_uri"])
    test, scores = finished.load("test_table", "own_scores")
    predicted = model.predict(LabelledTable.from_frame(test).features)
    np.testing.assert_array_equal(predicted["score"], scores["swift_hydra_mome"])
    np.testing.assert_array_equal(predicted["is_anomaly"], scores["swift_hydra_mome"] >= 0.2)


def test_logged_model_belongs_to_the_run(tracked, model_info):
    assert model_info["run_id"] == tracked.info.run_id


def test_logged_model_has_signature_and_example(finished, model_folder):
    model = mlflow.models.Model.load(model_folder)
    features = LabelledTable.from_frame(finished.load("train_table")).features
    assert model.signature.inputs.input_names() == list(features.columns)
    assert model.signature.outputs.input_names() == ["score", "is_anomaly"]
    example = model.load_input_example(str(model_folder))
    pd.testing.assert_frame_equal(example, features.head(5).reset_index(drop=True), check_dtype=False)


def test_no_file_of_the_model_is_a_pickle_or_code(model_folder):
    files = [path for path in model_folder.rglob("*") if path.is_file()]
    named = [path for path in files if path.name not in {"MLmodel", "registered_model_meta"}]
    assert {path.suffix for path in named} == {".json", ".md", ".safetensors", ".txt", ".yaml"}


def test_the_model_card_lies_beside_the_metrics_and_in_the_logged_model(finished, model_folder):
    card = (finished.files("08_reporting") / "model_card.md").read_text()
    assert next(model_folder.rglob("model_card.md")).read_text() == card
    auc_roc = json.loads((finished.files("08_reporting") / "metrics.json").read_text())["swift_hydra_mome"]["auc_roc"]
    assert f"| Swift Hydra (MoME) | {auc_roc:.3f} |" in card
    assert name_of(finished.load("model")) in card


def test_a_model_is_registered_if_asked_for_and_the_better_one_is_the_champion(workshop):
    registration = {"name": "digits_model"}
    for threshold, again in ((0.2, False), (0.4, True)):  # the same ranking twice: the second is no better
        decision = {"rule": "threshold", "threshold": threshold}
        only = {"from_nodes": ["assemble_model"]} if again else None
        workshop.run(seed=11, only=only, registration=registration, decision=decision)
        report = json.loads((workshop.files("08_reporting", seed=11) / "registration.json").read_text())
        assert (report["version"], report["promoted"]) == ((2, False) if again else (1, True))
    client = workshop.client()
    assert int(client.get_model_version_by_alias("digits_model", "champion").version) == 1
    mlflow.set_tracking_uri(f"sqlite:///{workshop.folder}/mlflow.db")
    champion = mlflow.pyfunc.load_model("models:/digits_model@champion")
    rows = LabelledTable.from_frame(workshop.load("test_table", seed=11)).features.head(50)
    np.testing.assert_array_equal(champion.predict(rows)["is_anomaly"], champion.predict(rows)["score"] >= 0.2)
