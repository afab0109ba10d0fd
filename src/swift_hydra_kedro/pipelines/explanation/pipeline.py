"""Explanation: from the scores of new rows to the reasons for alerts."""

from kedro.pipeline import Pipeline, node, pipeline

from swift_hydra_kedro.pipelines.explanation.nodes import explain_alerts


def create_pipeline() -> Pipeline:
    """Explain the rows that were flagged."""
    return pipeline(
        [
            node(
                explain_alerts,
                inputs=[
                    "model",
                    "new_rows",
                    "scores_of_new_rows",
                    "params:explanation",
                    "params:scoring",
                    "params:run",
                ],
                outputs=["alerts", "alerts_page"],
                name="explain_alerts",
            ),
        ]
    )
