"""Cells of a benchmark as MLflow runs below the active run, one for each."""

from __future__ import annotations

import logging
import queue
import threading
from datetime import datetime
from typing import Any

import mlflow
from mlflow.entities import Metric, Param, RunInfo, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NAME

logger = logging.getLogger(__name__)

PARAMETERS = ("dataset", "train_size", "seed", "detector", "oversampler", "method")
TAGS = ("config", "version", "error")
OF_A_RUN = {"dataset", "train_size", "seed"}  # tags of the parent, which is about many
LONGEST_TAG = 5000


class CellLogger:
    """Logs records in a thread of its own, so that workers do not wait for the tracking server; the end waits for it.

    Without an active run nothing is logged.
    """

    def __init__(self, name: str) -> None:
        active = mlflow.active_run()
        self._parent = active.info if active else None
        self._client = mlflow.MlflowClient()
        self._records: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work)
        if self._parent is not None:
            run_id = self._parent.run_id
            self._client.set_tag(run_id, MLFLOW_RUN_NAME, name)
            for tag in self._client.get_run(run_id).data.tags.keys() & OF_A_RUN:
                self._client.delete_tag(run_id, tag)

    def __enter__(self) -> CellLogger:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._records.put(None)
        self._thread.join()

    def log(self, record: dict[str, Any]) -> None:
        """Take a record; returns at once."""
        self._records.put(record)

    def _work(self) -> None:
        while (record := self._records.get()) is not None:
            try:
                if self._parent is not None:
                    self._log(record, self._parent)
            except Exception as error:  # a tracking server that is away must not cost the results
                logger.warning("%s on %s is not in MLflow: %s", record["method"], record["dataset"], error)

    def _log(self, record: dict[str, Any], parent: RunInfo) -> None:
        """One call to begin the run, one for all that is to be known of it, one to end it."""
        ended = _milliseconds(record["finished"])
        seconds = (record.get("fit_seconds") or 0) + (record.get("predict_seconds") or 0)
        run = self._client.create_run(
            parent.experiment_id,
            start_time=ended - round(1000 * seconds),
            tags={MLFLOW_PARENT_RUN_ID: parent.run_id},
            run_name=f"{record['method']} {record['dataset']} {record['train_size']} {record['seed']}",
        )
        metrics = {
            name: value
            for name, value in record.items()
            if name not in PARAMETERS and isinstance(value, int | float) and not isinstance(value, bool)
        }
        self._client.log_batch(
            run.info.run_id,
            metrics=[Metric(name, value, ended, 0) for name, value in metrics.items()],
            params=[Param(name, str(record[name])) for name in PARAMETERS if record[name] is not None],
            tags=[RunTag(name, str(record[name])[:LONGEST_TAG]) for name in TAGS if record[name] is not None],
        )
        self._client.set_terminated(run.info.run_id, "FAILED" if record["error"] else "FINISHED", end_time=ended)


def _milliseconds(moment: datetime) -> int:
    return round(1000 * moment.timestamp())
