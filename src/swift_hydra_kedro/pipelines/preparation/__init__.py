"""Stage: preparation."""

from swift_hydra_kedro.pipelines.preparation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
