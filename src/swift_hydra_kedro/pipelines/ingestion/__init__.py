"""Stage: ingestion."""

from swift_hydra_kedro.pipelines.ingestion.pipeline import create_pipeline

__all__ = ["create_pipeline"]
