"""The benchmark's report."""

from swift_hydra_kedro.pipelines.report.pipeline import create_pipeline

__all__ = ["create_pipeline"]
