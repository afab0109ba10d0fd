"""Cells as MLflow runs."""

import threading
from datetime import UTC, datetime

import mlflow
import pytest

from swift_hydra_kedro.serving.cells import CellLogger

NAMES = {"dataset": "sine", "train_size": 0.4, "seed": 3, "detector": "ecod", "oversampler": None, "method": "ecod"}
FOUND = {"auc_roc": 0.75, "auc_pr": None, "n_train": 400, "fit_seconds": 2.0, "predict_seconds": 0.5}
RECORD = (
    NAMES | FOUND | {"config": "abc", "version": "1", "error": None, "finished": datetime(2026, 11, 26, tzinfo=UTC)}
)


@pytest.fixture(scope="module")
def tracking(tmp_path_factory):
    """A store for this file."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path_factory.mktemp('tracking')}/mlflow.db")
    yield mlflow.MlflowClient()
    mlflow.set_tracking_uri(before)


@pytest.fixture
def client(tracking, request):
    """With an active run that stands for the benchmark, in an experiment of its own."""
    experiment = tracking.create_experiment(request.node.name)
    tags = {"dataset": "digits", "train_size": "0.4", "seed": "0", "budget": "smoke"}
    with mlflow.start_run(experiment_id=experiment, tags=tags):
        yield tracking


def children(client):
    parent = mlflow.active_run().info
    return client.search_runs([parent.experiment_id], f"tags.mlflow.parentRunId = '{parent.run_id}'")


def test_each_cell_is_a_run_below_the_active_one(client):
    with CellLogger("benchmark: quick") as logger:
        logger.log(RECORD)
        logger.log(RECORD | {"seed": 4})
    runs = {run.data.params["seed"]: run for run in children(client)}
    assert runs.keys() == {"3", "4"}
    run = runs["3"]
    assert run.info.run_name == "ecod sine 0.4 3"
    assert run.info.status == "FINISHED"
    assert run.info.end_time - run.info.start_time == 2500
    assert run.data.params == {name: str(value) for name, value in NAMES.items() if value is not None}
    assert run.data.metrics == {name: value for name, value in FOUND.items() if value is not None}
    assert (run.data.tags["config"], run.data.tags["version"]) == ("abc", "1")


def test_a_failed_cell_is_a_failed_run_with_its_error(client):
    with CellLogger("benchmark") as logger:
        logger.log(
            NAMES
            | {"config": "abc", "version": "1", "error": "ValueError: " + 9000 * "x", "finished": RECORD["finished"]}
        )
    (run,) = children(client)
    assert run.info.status == "FAILED"
    assert run.data.tags["error"].startswith("ValueError: x")
    assert run.data.metrics == {}


def test_the_parent_gets_its_name_and_loses_what_is_said_of_one_data_set(client):
    with CellLogger("benchmark: quick"):
        pass
    run = client.get_run(mlflow.active_run().info.run_id)
    assert run.info.run_name == "benchmark: quick"
    own = {name: value for name, value in run.data.tags.items() if not name.startswith("mlflow.")}
    assert own == {"budget": "smoke"}


def test_a_record_is_taken_at_once_however_slow_the_server_is(client, monkeypatch):
    may_go_on, create_run = threading.Event(), mlflow.MlflowClient.create_run

    def slow(*given, **more):
        may_go_on.wait()
        return create_run(*given, **more)

    monkeypatch.setattr(mlflow.MlflowClient, "create_run", slow)
    with CellLogger("benchmark") as logger:
        for seed in range(3):
            logger.log(RECORD | {"seed": seed})
        assert children(client) == []
        may_go_on.set()
    assert len(children(client)) == 3


def test_a_server_that_fails_costs_no_more_than_its_run(client, monkeypatch, caplog):
    create_run = mlflow.MlflowClient.create_run

    def failing(self, *given, run_name, **more):
        if run_name.endswith(" 0"):
            raise OSError("no route")
        return create_run(self, *given, run_name=run_name, **more)

    monkeypatch.setattr(mlflow.MlflowClient, "create_run", failing)
    with CellLogger("benchmark") as logger:
        for seed in range(2):
            logger.log(RECORD | {"seed": seed})
    assert len(children(client)) == 1
    assert "ecod on sine is not in MLflow: no route" in caplog.text


def test_without_an_active_run_nothing_is_logged(client):
    experiment = mlflow.active_run().info.experiment_id
    mlflow.end_run()
    with CellLogger("benchmark") as logger:
        logger.log(RECORD)
    assert len(client.search_runs([experiment])) == 1
