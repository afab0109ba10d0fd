"""One cell: a method is fitted on one split of a data set, and scores the rest."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from swift_hydra_kedro._version import __version__
from swift_hydra_kedro.baselines.method import Method
from swift_hydra_kedro.baselines.registry import get_method
from swift_hydra_kedro.benchmark.grid import Cell
from swift_hydra_kedro.benchmark.kept import has_rows, kept_rows
from swift_hydra_kedro.benchmark.process import PeakMemory, in_silence, one_thread
from swift_hydra_kedro.config import RunConfig, SwiftHydraConfig
from swift_hydra_kedro.data.preprocessing import NO_CLIP, TablePreprocessor
from swift_hydra_kedro.data.splitting import duplicate_mask, split
from swift_hydra_kedro.data.table import LabelledTable
from swift_hydra_kedro.evaluation.beyond import share_beyond
from swift_hydra_kedro.evaluation.metrics import evaluate_scores

logger = logging.getLogger(__name__)

Record = dict[str, Any]


@dataclass(frozen=True)
class Budget:
    """What all cells have in common.

    Attributes
    ----------
    config : of Swift Hydra's stages
    threshold : least probability that is called an anomaly, of methods that give probabilities
    device : where torch computes
    keep_rows_of : data sets of which cells keep some rows, see `kept_rows`
    """

    config: SwiftHydraConfig
    threshold: float
    device: Literal["auto", "cpu", "cuda"] = "auto"
    keep_rows_of: tuple[str, ...] = ()

    def keeps_rows(self, cell: Cell) -> bool:
        """Whether the record of a cell is to hold rows."""
        return cell.dataset in self.keep_rows_of and has_rows(cell)

    def hash_for(self, method: Method) -> str:
        """Names the configuration that a method uses: that of the stages which it reads, and of the preparation."""
        stages = {"preparation", *(stage for entry in method.entries for stage in entry.stages)}
        used: Record = {stage: getattr(self.config, stage).model_dump(mode="json") for stage in sorted(stages)}
        if method.detector.threshold == "probability":
            used["threshold"] = self.threshold
        return hashlib.sha256(json.dumps(used, sort_keys=True).encode()).hexdigest()[:16]


def run_cell(table: LabelledTable, cell: Cell, budget: Budget) -> Record:
    """Measure one cell on one thread; what a method raises becomes the record's `error`.

    Returns
    -------
    dict
        One row of the results, see `store.SCHEMA`.
    """
    record = begin_record(cell, budget)
    try:
        with one_thread(), in_silence:
            record |= _measure(table, cell, budget)
    except Exception as error:  # whatever a library raises: the other cells are measured, and this is told
        logger.warning("%s fails on %s", cell.method, cell.dataset, exc_info=error)
        record["error"] = describe(error)
    return record | {"finished": datetime.now(UTC)}


def failed_cell(cell: Cell, budget: Budget, error: BaseException) -> Record:
    """The record of a cell that could not be measured, as its data or its worker were lost."""
    return begin_record(cell, budget) | {"error": describe(error), "finished": datetime.now(UTC)}


def begin_record(cell: Cell, budget: Budget) -> Record:
    """What is known of a cell before it is measured."""
    method = get_method(cell.method)
    named = {"method": cell.method, "config": budget.hash_for(method), "version": __version__}
    return asdict(cell) | named | {"error": None}


def describe(error: BaseException) -> str:
    """The error's type and the first line of what it says."""
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _measure(table: LabelledTable, cell: Cell, budget: Budget) -> Record:
    train, test = split(table, cell.train_size, cell.seed)
    preprocessor = TablePreprocessor.fit(train.features, budget.config.preparation.model_copy(update={"clip": NO_CLIP}))
    x, x_test = preprocessor.transform(train.features), preprocessor.transform(test.features)
    y, y_test = train.label.to_numpy(), test.label.to_numpy()
    method, run = get_method(cell.method), RunConfig(seed=cell.seed, device=budget.device)
    for entry in method.entries:
        entry.build(run, budget.config)  # imports its library, which is no part of a fit
    with PeakMemory() as peak:
        trial = method.try_out(x, y, x_test, run, budget.config)
    threshold = method.threshold(trial.fitted, x, y)
    seen, rejected_share = duplicate_mask(train.features, test.features), trial.fitted.rejected_share(x_test)
    metrics = evaluate_scores(
        y_test,
        trial.score,
        budget.threshold if threshold is None else threshold,
        seen,
        trial.fit_seconds,
        trial.predict_seconds,
        rejected_share,
    )
    generated, anomalies, new_anomalies = trial.fitted.generated, x[y == 1], x_test[y_test == 1]
    found = _flat(metrics)
    if len(generated):
        found["generated_beyond"] = share_beyond(generated, anomalies)
        found["test_beyond"] = share_beyond(new_anomalies, anomalies)
    if budget.keeps_rows(cell):
        real = {"normal": x[y == 0], "real_anomalies": anomalies, "test_anomalies": new_anomalies}
        found["rows"] = kept_rows(cell, real | {"generated": generated})
    return found | {
        "peak_memory": peak.bytes,
        "n_train": len(y),
        "n_fitted": min(len(y), method.detector.max_rows or len(y)),
        "n_features": x.shape[1],
    }


def _flat(metrics: Record) -> Record:
    """The metrics of both classes beside the others: `recall_1` is that of the anomalies."""
    per_class = metrics.pop("per_class")
    return metrics | {f"{name}_{label}": value for label, own in per_class.items() for name, value in own.items()}
