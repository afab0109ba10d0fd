"""The pipelines by name: every stage alone, `full`, their sum, and those that come after it."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from swift_hydra_kedro.pipelines import (
    detection,
    evaluation,
    explanation,
    ingestion,
    preparation,
    pretraining,
    report,
    scoring,
    synthesis,
)

STAGES = {
    "ingestion": ingestion,
    "preparation": preparation,
    "pretraining": pretraining,
    "synthesis": synthesis,
    "detection": detection,
    "evaluation": evaluation,
}


def register_pipelines() -> dict[str, Pipeline]:
    """Return the pipelines that `kedro run --pipeline=...` knows."""
    stages = {name: stage.create_pipeline() for name, stage in STAGES.items()}
    full = sum(stages.values(), start=Pipeline([]))
    later = {"scoring": scoring, "explanation": explanation, "report": report}
    return stages | {name: part.create_pipeline() for name, part in later.items()} | {"full": full, "__default__": full}
