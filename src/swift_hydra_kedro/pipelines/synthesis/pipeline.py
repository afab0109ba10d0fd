"""Synthesis: from pretrained models to new, diverse, hard anomalies."""

from kedro.pipeline import Pipeline, node, pipeline

from swift_hydra_kedro.pipelines.synthesis.nodes import run_loop, to_original_units


def create_pipeline() -> Pipeline:
    """The loop, and its samples in the table's units."""
    return pipeline(
        [
            node(
                run_loop,
                inputs=[
                    "train_rows",
                    "pretrained_cvae",
                    "pretrained_detector",
                    "judge",
                    "params:pretraining",
                    "params:synthesis",
                    "params:run",
                ],
                outputs=[
                    "synthetic_rows",
                    "synthesis_history",
                    "cvae",
                    "single_detector",
                    "policy",
                    "synthesis_report",
                ],
                name="self_reinforcing_loop",
            ),
            node(
                to_original_units,
                inputs=["synthetic_rows", "preprocessor"],
                outputs="synthetic_anomalies",
                name="to_original_units",
            ),
        ]
    )
