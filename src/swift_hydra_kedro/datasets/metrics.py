"""Metrics of a run in MLflow."""

from __future__ import annotations

import time
from typing import Any

from kedro_mlflow.io.metrics import MlflowMetricsHistoryDataset
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient
from mlflow.utils import chunk_list
from mlflow.utils.validation import MAX_METRICS_PER_BATCH


class MlflowMetricsDataset(MlflowMetricsHistoryDataset):
    """kedro-mlflow's metrics, logged many at a time: a database takes some ten milliseconds for each request.

    Holds a dict from names to `{"value": float, "step": int}` or a list of these. Without an active run and
    without the id of one, saving is a `DatasetError`.
    """

    def _save(self, data: dict[str, Any]) -> None:
        if not self._logging_activated:
            return
        now = int(1000 * time.time())
        metrics = [
            Metric(name, value, now, step)
            for key, item in data.items()
            for name, value, step in self._build_args_list_from_metric_item(key, item)
        ]
        for batch in chunk_list(metrics, MAX_METRICS_PER_BATCH):
            MlflowClient().log_batch(self.run_id, metrics=batch)
