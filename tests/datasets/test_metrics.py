import mlflow
import pytest
from kedro.io import DatasetError
from kedro_mlflow.io.metrics import MlflowMetricsHistoryDataset
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from swift_hydra_kedro.datasets import MlflowMetricsDataset

METRICS = {
    "auc": {"value": 0.9, "step": 0},
    "reward": [{"value": 1.0, "step": 1}, {"value": -2.0, "step": 2}],
}


@pytest.fixture
def run(tmp_path):
    """An active run in a store of its own."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    mlflow.create_experiment("metrics", f"{tmp_path}/artifacts")
    with mlflow.start_run(experiment_id="1") as active:
        yield active.info.run_id
    mlflow.set_tracking_uri(before)


@pytest.fixture
def requests(monkeypatch):
    """How many metrics each request to the store brings."""
    sizes, log_batch = [], SqlAlchemyStore.log_batch

    def counted(store, run_id, metrics, params, tags):
        sizes.append(len(metrics))
        return log_batch(store, run_id, metrics, params, tags)

    monkeypatch.setattr(SqlAlchemyStore, "log_batch", counted)
    return sizes


def test_metrics_come_back_as_from_kedro_mlflows_own(run):
    MlflowMetricsDataset(prefix="mine").save(METRICS)
    MlflowMetricsHistoryDataset(prefix="theirs").save(METRICS)
    mine, theirs = (MlflowMetricsHistoryDataset(prefix=prefix).load() for prefix in ("mine", "theirs"))
    assert {key.removeprefix("mine"): value for key, value in mine.items()} == {
        key.removeprefix("theirs"): value for key, value in theirs.items()
    }
    assert mine["mine.reward"] == METRICS["reward"]


def test_they_are_logged_a_thousand_at_a_time(run, requests):
    points = [{"value": float(step), "step": step} for step in range(1500)]
    MlflowMetricsDataset(prefix="many").save({"loss": points})
    assert requests == [1000, 500]
    assert MlflowMetricsDataset(prefix="many").load()["many.loss"] == points


def test_nothing_is_logged_where_logging_is_off(run, requests):
    dataset = MlflowMetricsDataset(prefix="none")
    dataset._logging_activated = False  # as kedro-mlflow does for a pipeline that is not to be tracked
    dataset.save(METRICS)
    assert not requests


def test_without_a_run_it_says_so():
    with pytest.raises(DatasetError, match="Cannot find run id"):
        MlflowMetricsDataset(prefix="lost").save(METRICS)
