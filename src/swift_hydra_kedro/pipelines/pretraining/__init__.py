"""Stage: pretraining."""

from swift_hydra_kedro.pipelines.pretraining.pipeline import create_pipeline

__all__ = ["create_pipeline"]
