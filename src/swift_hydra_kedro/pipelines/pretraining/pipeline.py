"""Pretraining: from scaled rows to a C-VAE, a single detector, and a judge."""

from kedro.pipeline import Pipeline, node, pipeline

from swift_hydra_kedro.pipelines.pretraining.nodes import pretrain_models, train_acceptance_judge


def create_pipeline() -> Pipeline:
    """Both models, and the judge."""
    return pipeline(
        [
            node(
                pretrain_models,
                inputs=["train_rows", "params:pretraining", "params:run"],
                outputs=["pretrained_cvae", "pretrained_detector", "pretraining_history", "pretraining_report"],
                name="pretrain",
            ),
            node(
                train_acceptance_judge,
                inputs=["train_rows", "params:pretraining", "params:run"],
                outputs=["judge", "judge_report"],
                name="train_judge",
            ),
        ]
    )
