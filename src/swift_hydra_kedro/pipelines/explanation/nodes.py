"""Say why rows were flagged."""

from __future__ import annotations

import pandas as pd

from swift_hydra_kedro.config import ExplanationConfig, RunConfig, ScoringConfig
from swift_hydra_kedro.data.checkpoint import Checkpoint
from swift_hydra_kedro.data.stream import TableStream
from swift_hydra_kedro.explanation.alerts import Alerts
from swift_hydra_kedro.explanation.explainer import Explainer
from swift_hydra_kedro.explanation.page import render_alerts
from swift_hydra_kedro.scoring.table import Scoring


def explain_alerts(
    model: Checkpoint,
    new_rows: TableStream,
    scores_of_new_rows: TableStream,
    explanation: ExplanationConfig,
    scoring: ScoringConfig,
    run: RunConfig,
) -> tuple[pd.DataFrame, str]:
    """Explain the flagged rows of the highest scores: a table, and a page with figures."""
    scored = Scoring.of(model, new_rows, (), scoring)
    explainer = Explainer(scored.score.scorer, explanation, run.seed, progress=True)
    alerts = Alerts.of(scored, scores_of_new_rows, explainer)
    return alerts.to_frame(), render_alerts(f"Alerts of {run.dataset}, and why", alerts, explainer)
