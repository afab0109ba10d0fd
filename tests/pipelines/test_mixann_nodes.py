"""What MLflow gets of a policy's training."""

import pandas as pd
import pytest

from swift_hydra_kedro.pipelines.mixann.nodes import MOST_LOGGED, to_mlflow_metrics


def history(n):
    episodes = range(n)
    return pd.DataFrame({"episode": episodes, "mean_reward": episodes, "f1": 0.5, "steps": 2, "classifier": "knn"})


def test_few_episodes_are_logged_one_by_one():
    logged = to_mlflow_metrics({"knn": {"mixann": {"f1": 0.75}}}, history(3))
    assert logged["knn.mixann.f1"] == {"value": 0.75, "step": 0}
    assert logged["knn.policy.mean_reward"] == [{"value": i, "step": i} for i in range(3)]


def test_many_episodes_are_logged_as_means_of_as_many_steps_as_the_server_bears():
    points = to_mlflow_metrics({}, history(1001))["knn.policy.mean_reward"]
    assert len(points) <= MOST_LOGGED
    assert points[0] == {"value": pytest.approx(10), "step": 0}
    assert points[1] == {"value": pytest.approx(31), "step": 21}
