"""Stage: scoring."""

from swift_hydra_kedro.pipelines.scoring.pipeline import create_pipeline

__all__ = ["create_pipeline"]
