"""Pretraining: from scaled rows to a C-VAE and a single detector."""

from kedro.pipeline import Pipeline, node, pipeline

from swift_hydra_kedro.pipelines.pretraining.nodes import pretrain_models


def create_pipeline() -> Pipeline:
    """One node: both models."""
    return pipeline(
        [
            node(
                pretrain_models,
                inputs=["train_rows", "params:pretraining", "params:run"],
                outputs=["pretrained_cvae", "pretrained_detector", "pretraining_history", "pretraining_report"],
                name="pretrain",
            )
        ]
    )
