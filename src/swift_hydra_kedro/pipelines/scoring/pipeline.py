"""Scoring: from a trained model and new rows to their scores, and whether they are like those of training."""

from kedro.pipeline import Pipeline, node, pipeline

from swift_hydra_kedro.evaluation import figures
from swift_hydra_kedro.pipelines.scoring import drift_nodes, nodes


def create_pipeline() -> Pipeline:
    """Score, summarise, compare with training."""
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
            node(
                drift_nodes.measure_drift,
                inputs=["model", "new_rows", "scores_of_new_rows", "params:scoring"],
                outputs="drift_report",
                name="measure_drift",
            ),
            node(
                drift_nodes.to_drift_metrics,
                inputs="drift_report",
                outputs="drift_metrics",
                name="log_drift_metrics",
            ),
            node(figures.drift_overview, inputs="drift_report", outputs="figure_drift", name="draw_drift"),
        ]
    )
