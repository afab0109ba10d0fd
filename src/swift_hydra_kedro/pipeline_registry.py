"""The pipelines by name: every stage alone, `full`, their sum, and those beside it.

`scoring` and `explanation` come after a run; `mixann` is another method, with a protocol of its own; `benchmark`
compares methods, and `report` tells the results.
"""

from __future__ import annotations

from kedro.pipeline import Pipeline

from swift_hydra_kedro.pipelines import (
    benchmark,
    detection,
    evaluation,
    explanation,
    ingestion,
    mixann,
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
    later = {"scoring": scoring, "explanation": explanation, "benchmark": benchmark, "report": report}
    apart = {"mixann": stages["ingestion"] + mixann.create_pipeline()}
    beside = apart | {name: part.create_pipeline() for name, part in later.items()}
    return stages | beside | {"full": full, "__default__": full}
