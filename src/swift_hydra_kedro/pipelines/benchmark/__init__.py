"""The benchmark."""

from swift_hydra_kedro.pipelines.benchmark.pipeline import create_pipeline

__all__ = ["create_pipeline"]
