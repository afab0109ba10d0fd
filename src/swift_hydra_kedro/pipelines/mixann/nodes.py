"""Split as MixAnN's paper does, search synthetic rows for each classifier, and measure what they bring."""

from __future__ import annotations

import logging
import time
from typing import Any

import numpy as np
import pandas as pd

from swift_hydra_kedro.baselines.mixann.augmentation import augment
from swift_hydra_kedro.baselines.mixann.classifiers import check_installed
from swift_hydra_kedro.baselines.mixann.scores import macro_scores
from swift_hydra_kedro.config import MixAnNConfig, PreparationConfig, RunConfig
from swift_hydra_kedro.data.checkpoint import Checkpoint
from swift_hydra_kedro.data.preprocessing import TablePreprocessor
from swift_hydra_kedro.data.splitting import split
from swift_hydra_kedro.data.table import LabelledTable
from swift_hydra_kedro.evaluation.leaderboard import flat_metrics

logger = logging.getLogger(__name__)
LOGGED = ("mean_reward", "f1", "steps")
MOST_LOGGED = 50  # each point is a write of its own
KEPT = ("x", "y", "anomaly", "normal", "ratio")


def split_rows(
    table: pd.DataFrame, preparation: PreparationConfig, mixann: MixAnNConfig, run: RunConfig
) -> tuple[Checkpoint, Checkpoint, dict[str, Any]]:
    """Scaled rows `x (N, P)` and labels `y (N,)` of both parts, and the scaling."""
    parts = split(LabelledTable.from_frame(table), mixann.train_size, run.seed)
    fitted = TablePreprocessor.fit(parts[0].features, preparation)
    train, test = ({"x": fitted.transform(part.features), "y": part.label.to_numpy()} for part in parts)
    return Checkpoint(train), Checkpoint(test), fitted.state()


def search_mixtures(
    mixann_train_rows: Checkpoint, mixann: MixAnNConfig, run: RunConfig
) -> tuple[Checkpoint, pd.DataFrame]:
    """Train a policy for each classifier; its synthetic rows, and a record per episode."""
    check_installed(mixann.classifiers)
    x, y = mixann_train_rows.tensors["x"], mixann_train_rows.tensors["y"]
    tensors: dict[str, np.ndarray] = {}
    state: dict[str, Any] = {}
    histories = []
    for name in mixann.classifiers:
        start = time.perf_counter()
        made = augment(x, y, name, mixann, run.seed, progress=True)
        tensors |= {f"{name}.{column}": getattr(made, column) for column in KEPT}
        state[name] = {
            "validation_f1_without": made.f1_before,
            "validation_f1": made.f1,
            "search_seconds": time.perf_counter() - start,
        }
        histories.append(pd.DataFrame(made.history).assign(classifier=name))
    return Checkpoint(tensors, state), pd.concat(histories, ignore_index=True)


def measure_augmentation(
    mixann_train_rows: Checkpoint,
    mixann_test_rows: Checkpoint,
    mixann_synthetic: Checkpoint,
    mixann: MixAnNConfig,
    run: RunConfig,
) -> dict[str, Any]:
    """Macro precision, recall and F1 of each classifier on the test rows, with the synthetic rows and without."""
    x, y = mixann_train_rows.tensors["x"], mixann_train_rows.tensors["y"]
    test = mixann_test_rows.tensors["x"], mixann_test_rows.tensors["y"]
    report: dict[str, Any] = {}
    for name in mixann.classifiers:
        new_x, new_y = (mixann_synthetic.tensors[f"{name}.{column}"] for column in ("x", "y"))
        augmented = np.concatenate([x, new_x]), np.concatenate([y, new_y])
        report[name] = {
            "without_augmentation": macro_scores(name, x, y, *test, run.seed),
            "mixann": macro_scores(name, *augmented, *test, run.seed),
            "n_synthetic": len(new_y),
            "n_synthetic_anomalies": int(new_y.sum()),
            **mixann_synthetic.state[name],
        }
        f1 = [report[name][kind]["f1"] for kind in ("without_augmentation", "mixann")]
        logger.info("%s: macro F1 %.3f without augmentation, %.3f with %d synthetic rows", name, *f1, len(new_y))
    return report


def to_original_units(mixann_synthetic: Checkpoint, mixann_preprocessor: dict[str, Any]) -> pd.DataFrame:
    """The synthetic rows in the table's columns and units: for whom, their label, and the training rows mixed."""
    fitted = TablePreprocessor.from_state(mixann_preprocessor)
    frames = []
    for name in mixann_synthetic.state:
        x, *rest = (mixann_synthetic.tensors[f"{name}.{column}"] for column in KEPT)
        reasons = pd.DataFrame(dict(zip(("label", *KEPT[2:]), rest, strict=True))).assign(classifier=name)
        frames.append(pd.concat([fitted.inverse_transform(x), reasons.add_prefix("synthetic_")], axis=1))
    return pd.concat(frames, ignore_index=True)


def to_mlflow_metrics(mixann_report: dict[str, Any], mixann_history: pd.DataFrame) -> dict[str, Any]:
    """Metrics as MLflow takes them: single values, and means over episodes at `MOST_LOGGED` steps at most."""
    logged: dict[str, Any] = {name: {"value": v, "step": 0} for name, v in flat_metrics(mixann_report).items()}
    for classifier, history in mixann_history.groupby("classifier"):
        together = -(-len(history) // MOST_LOGGED)
        means = history.groupby(history["episode"] // together * together)[list(LOGGED)].mean()
        for name in LOGGED:
            points = means[name].dropna().items()
            logged[f"{classifier}.policy.{name}"] = [{"value": v, "step": int(episode)} for episode, v in points]
    return logged
