"""Stage: synthesis."""

from swift_hydra_kedro.pipelines.synthesis.pipeline import create_pipeline

__all__ = ["create_pipeline"]
