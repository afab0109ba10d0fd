"""Stage: detection."""

from swift_hydra_kedro.pipelines.detection.pipeline import create_pipeline

__all__ = ["create_pipeline"]
