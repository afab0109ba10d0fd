"""Scoring: from a trained model and new rows to their scores."""

from kedro.pipeline import Pipeline, node, pipeline

from swift_hydra_kedro.pipelines.scoring import nodes


def create_pipeline() -> Pipeline:
    """Score and summarise."""
    return pipeline(
        [
            node(
                nodes.score_new_rows,
                inputs=["model", "new_rows", "params:scoring", "params:tables", "params:run"],
                outputs="scores_of_new_rows",
                name="score_new_rows",
            ),
            node(
                nodes.summarise_scores,
                inputs=["scores_of_new_rows", "params:scoring"],
                outputs="scoring_report",
                name="summarise_scores",
            ),
        ]
    )
