"""The pipelines by name: every stage alone, `full`, their sum, and those that are run by themselves.

`scoring` and `explanation` put a trained model to work; `benchmark` compares methods.
"""

from __future__ import annotations

from kedro.pipeline import Pipeline

from swift_hydra_kedro.pipelines import (
    benchmark,
    detection,
    evaluation,
    explanation,
    ingestion,
    preparation,
    pretraining,
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
    later = {"scoring": scoring.create_pipeline(), "explanation": explanation.create_pipeline()}
    return stages | later | {"benchmark": benchmark.create_pipeline(), "full": full, "__default__": full}
