"""Draw what happened."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import torch

from swift_hydra_kedro.config import RunConfig
from swift_hydra_kedro.data.checkpoint import Checkpoint
from swift_hydra_kedro.evaluation import figures
from swift_hydra_kedro.evaluation.page import render_page
from swift_hydra_kedro.evaluation.plane import Plane
from swift_hydra_kedro.models.runtime import stage_generators
from swift_hydra_kedro.scorer import Scorer

GRID = 120
_CPU = torch.device("cpu")


def draw_curves(scores: pd.DataFrame) -> tuple[go.Figure, go.Figure]:
    """ROC and precision-recall curves of all methods."""
    label, methods = scores["label"].to_numpy(), scores.drop(columns="label")
    return figures.roc_curves(methods, label), figures.precision_recall_curves(methods, label)


def draw_trade_off(trade_off: pd.DataFrame, decision_report: dict[str, Any]) -> go.Figure:
    """Precision, recall and alerts by threshold, and the threshold chosen."""
    return figures.trade_off_curves(trade_off, decision_report["threshold"], decision_report["rule"])


def draw_episodes(synthesis_history: pd.DataFrame) -> tuple[go.Figure, go.Figure]:
    """Reward and AUC by episode (figure 4), invalid actions by episode (figure 8)."""
    return figures.reward_and_auc(synthesis_history), figures.invalid_share(synthesis_history)


def draw_losses(
    pretraining_history: pd.DataFrame, experts_history: pd.DataFrame, gate_history: pd.DataFrame
) -> go.Figure:
    """Loss of every stage by step."""
    stages = {"experts": experts_history}
    for history, column in ((pretraining_history, "model"), (gate_history, "phase")):
        stages |= {str(name): rows for name, rows in history.groupby(column, sort=False)}
    return figures.learning_curves(stages)


def draw_anomalies(
    train_rows: Checkpoint, test_rows: Checkpoint, synthetic_rows: Checkpoint, run: RunConfig
) -> go.Figure:
    """Real, generated and test anomalies in two dimensions over the episodes (figure 2)."""
    normal, anomalies = _by_class(train_rows)
    rng = stage_generators(run.seed, "figures", _CPU).numpy
    episode = synthetic_rows.tensors["episode"].astype(int)
    return figures.anomalies_by_episode(
        normal, anomalies, _by_class(test_rows)[1], synthetic_rows.tensors["x"], episode, rng
    )


def draw_decision_regions(
    model: Checkpoint, train_rows: Checkpoint, test_rows: Checkpoint, synthetic_rows: Checkpoint
) -> go.Figure:
    """What the mixture calls normal and anomalous, on a plane through the data (figure 6)."""
    scorer = Scorer.from_checkpoint(model)
    normal, anomalies = _by_class(train_rows)
    plane = Plane.fit(train_rows.tensors["x"], scorer.preprocessor.feature_names_out)
    groups = {
        "normal": normal,
        "real_anomalies": anomalies,
        "test_anomalies": _by_class(test_rows)[1],
        "generated": synthetic_rows.tensors["x"],
    }
    points = {name: plane.project(rows) for name, rows in groups.items()}
    x_axis, y_axis, grid = plane.grid(np.concatenate(list(points.values())), GRID)
    probability = scorer.predictor(grid).reshape(GRID, GRID)
    return figures.decision_regions(x_axis, y_axis, probability, points, scorer.threshold, plane.names)


def compose_page(run: RunConfig, metrics: dict[str, Any], *drawn: go.Figure) -> str:
    """All figures below the results, as one HTML page."""
    title = f"Swift Hydra on {run.dataset}, train share {run.train_size}, seed {run.seed}"
    return render_page(title, metrics, {f"figure-{i}": figure for i, figure in enumerate(drawn, start=1)})


def _by_class(rows: Checkpoint) -> tuple[np.ndarray, np.ndarray]:
    x, y = rows.tensors["x"], rows.tensors["y"]
    return x[y == 0], x[y == 1]
