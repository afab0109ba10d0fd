"""Pipeline: MixAnN."""

from swift_hydra_kedro.pipelines.mixann.pipeline import create_pipeline

__all__ = ["create_pipeline"]
