"""Score the test part with Swift Hydra and with the baselines, and measure."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from swift_hydra_kedro.config import (
    DetectionConfig,
    EvaluationConfig,
    PreparationConfig,
    PretrainingConfig,
    RegistrationConfig,
    RunConfig,
    SwiftHydraConfig,
    SynthesisConfig,
)
from swift_hydra_kedro.data.checkpoint import Checkpoint, name_of
from swift_hydra_kedro.data.preprocessing import NO_CLIP, TablePreprocessor
from swift_hydra_kedro.data.table import LabelledTable
from swift_hydra_kedro.evaluation.card import render_card
from swift_hydra_kedro.evaluation.leaderboard import flat_metrics
from swift_hydra_kedro.evaluation.metrics import evaluate_scores
from swift_hydra_kedro.models.checkpoints import load_detector
from swift_hydra_kedro.models.inference import Predictor
from swift_hydra_kedro.pipelines.conversion import to_training
from swift_hydra_kedro.scorer import Scorer
from swift_hydra_kedro.serving.logging import log_model
from swift_hydra_kedro.serving.registry import register

Report = dict[str, dict[str, Any]]
EXAMPLE_ROWS = 5


def score_swift_hydra(
    model: Checkpoint,
    single_detector: Checkpoint,
    test_table: pd.DataFrame,
    pretraining_report: dict[str, float],
    judge_report: dict[str, float],
    synthesis_report: dict[str, float],
    regions_report: dict[str, float],
    experts_report: dict[str, float],
    gate_report: dict[str, float],
) -> tuple[pd.DataFrame, Report]:
    """Probabilities of the mixture and of the single detector, with the seconds that each took."""
    scorer = Scorer.from_checkpoint(model)
    single = Predictor(load_detector(single_detector.tensors, single_detector.state))
    features = LabelledTable.from_frame(test_table).features
    generation = sum(report["seconds"] for report in (pretraining_report, judge_report, synthesis_report))
    detection = sum(report["seconds"] for report in (regions_report, experts_report, gate_report))
    fit_seconds = {"swift_hydra_mome": generation + detection, "swift_hydra_single": generation}
    predict = {
        "swift_hydra_mome": scorer.score,
        "swift_hydra_single": lambda rows: single(scorer.preprocessor.transform(rows)),
    }
    scores, report = {}, {}
    for name, score in predict.items():
        start = time.perf_counter()
        scores[name] = score(features)
        report[name] = _report(float(scorer.threshold), fit_seconds[name], time.perf_counter() - start)
    return pd.DataFrame(scores), report


def run_baselines(
    gate_report: dict[str, Any],
    train_table: pd.DataFrame,
    test_table: pd.DataFrame,
    preparation: PreparationConfig,
    pretraining: PretrainingConfig,
    synthesis: SynthesisConfig,
    detection: DetectionConfig,
    evaluation: EvaluationConfig,
    run: RunConfig,
) -> tuple[pd.DataFrame, Report]:
    """Fit every baseline on the same split and score the test part.

    They take their turn after Swift Hydra's training, which is all that `gate_report` is for.
    They get imputed and encoded features without Swift Hydra's clipping, which a forest does not need. The report has
    no threshold of those that get Swift Hydra's: they need not be fitted again where it alone changes.
    """
    from swift_hydra_kedro.baselines.registry import get_method  # kedro viz --lite lacks its needs

    train, test = LabelledTable.from_frame(train_table), LabelledTable.from_frame(test_table)
    preprocessor = TablePreprocessor.fit(train.features, preparation.model_copy(update={"clip": NO_CLIP}))
    x, y, x_test = preprocessor.transform(train.features), train.label.to_numpy(), preprocessor.transform(test.features)
    config = SwiftHydraConfig(
        preparation=preparation, pretraining=pretraining, synthesis=synthesis, detection=detection
    )
    scores, report = {}, {}
    bar = tqdm(evaluation.baselines, desc="baselines", unit="method")
    for name in bar:
        bar.set_postfix_str(name)
        method = get_method(name)
        trial = method.try_out(x, y, x_test, run, config)
        scores[name] = trial.score
        report[name] = _report(method.threshold(trial.fitted, x, y), trial.fit_seconds, trial.predict_seconds)
        if (rejected_share := trial.fitted.rejected_share(x_test)) is not None:
            report[name]["rejected_share"] = rejected_share
    return pd.DataFrame(scores, index=range(len(test))), report


def measure(
    test_rows: Checkpoint,
    test_duplicates: pd.DataFrame,
    own_scores: pd.DataFrame,
    own_report: Report,
    baseline_scores: pd.DataFrame,
    baseline_report: Report,
    split_report: dict[str, Any],
) -> tuple[dict[str, Any], pd.DataFrame]:
    """`metrics.json`, and the scores of all methods beside the label."""
    label, seen = test_rows.tensors["y"], test_duplicates["seen_in_training"].to_numpy()
    scores = pd.concat([own_scores, baseline_scores], axis=1)
    metrics: dict[str, Any] = {}
    for name, report in (own_report | baseline_report).items():
        threshold = own_report["swift_hydra_mome"]["threshold"] if report["threshold"] is None else report["threshold"]
        metrics[name] = evaluate_scores(label, scores[name], seen_in_training=seen, **report | {"threshold": threshold})
    metrics["data"] = split_report
    return metrics, scores.assign(label=label)


def to_mlflow_metrics(metrics: dict[str, Any], synthesis_history: pd.DataFrame) -> dict[str, Any]:
    """Metrics as MLflow takes them: single values, and one value per episode."""
    logged: dict[str, Any] = {name: {"value": value, "step": 0} for name, value in flat_metrics(metrics).items()}
    for name in synthesis_history.columns.drop("episode", errors="ignore"):
        points = synthesis_history[["episode", name]].dropna()
        if len(points):
            logged[f"synthesis.{name}"] = [{"value": float(v), "step": int(e)} for e, v in points.to_numpy()]
    return logged


def write_card(
    model: Checkpoint,
    table_summary: dict[str, Any],
    metrics: dict[str, Any],
    decision_report: dict[str, Any],
    run: RunConfig,
) -> str:
    """What there is to know of the model, for those who are to use it."""
    columns = TablePreprocessor.from_state(model.state["preprocessor"]).kinds
    return render_card(name_of(model), run.model_dump(), table_summary, metrics, decision_report, columns)


def log_fitted_model(
    model: Checkpoint,
    committee: Checkpoint,
    regions: Checkpoint,
    drawn: Checkpoint,
    model_card: str,
    train_table: pd.DataFrame,
) -> dict[str, Any]:
    """Log the model, what it takes to train on, and its card to the MLflow run, with a few training rows as example."""
    example = LabelledTable.from_frame(train_table).features.head(EXAMPLE_ROWS)
    return log_model(model, model_card, example, to_training(committee, regions, drawn))


def register_model(
    model_info: dict[str, Any], test_table: pd.DataFrame, registration: RegistrationConfig
) -> dict[str, Any]:
    """Register the logged model if that is asked for; the better of it and the present champion is the new one."""
    test = LabelledTable.from_frame(test_table)
    return register(model_info["model_uri"], test.features, test.label.to_numpy(), registration)


def _report(threshold: float | None, fit_seconds: float, predict_seconds: float) -> dict[str, Any]:
    return {
        "threshold": threshold,
        "fit_seconds": float(np.round(fit_seconds, 3)),
        "predict_seconds": float(np.round(predict_seconds, 6)),
    }
