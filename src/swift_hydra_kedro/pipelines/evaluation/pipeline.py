"""Evaluation: scores, metrics, figures, and the model in MLflow."""

from kedro.pipeline import Pipeline, node, pipeline

from swift_hydra_kedro.evaluation import figures
from swift_hydra_kedro.pipelines.evaluation import figure_nodes as draw
from swift_hydra_kedro.pipelines.evaluation import nodes

FIGURES = [
    "figure_roc",
    "figure_precision_recall",
    "figure_trade_off",
    "figure_reward_and_auc",
    "figure_invalid_share",
    "figure_anomalies_by_episode",
    "figure_rows_per_expert",
    "figure_decision_regions",
    "figure_losses",
]


def create_pipeline() -> Pipeline:
    """Score, measure, draw, log."""
    return _measuring() + _drawing()


def _measuring() -> Pipeline:
    return pipeline(
        [
            node(
                nodes.score_swift_hydra,
                inputs=[
                    "model",
                    "single_detector",
                    "test_table",
                    "pretraining_report",
                    "judge_report",
                    "synthesis_report",
                    "regions_report",
                    "experts_report",
                    "gate_report",
                ],
                outputs=["own_scores", "own_report"],
                name="score_swift_hydra",
            ),
            node(
                nodes.run_baselines,
                inputs=[
                    "gate_report",
                    "train_table",
                    "test_table",
                    "params:preparation",
                    "params:pretraining",
                    "params:synthesis",
                    "params:detection",
                    "params:evaluation",
                    "params:run",
                ],
                outputs=["baseline_scores", "baseline_report"],
                name="run_baselines",
            ),
            node(
                nodes.measure,
                inputs=[
                    "test_rows",
                    "test_duplicates",
                    "own_scores",
                    "own_report",
                    "baseline_scores",
                    "baseline_report",
                    "split_report",
                ],
                outputs=["metrics", "scores"],
                name="measure",
            ),
            node(
                nodes.to_mlflow_metrics,
                inputs=["metrics", "synthesis_history"],
                outputs="mlflow_metrics",
                name="log_metrics",
            ),
            node(
                nodes.write_card,
                inputs=["model", "table_summary", "metrics", "decision_report", "params:run"],
                outputs="model_card",
                name="write_card",
            ),
            node(
                nodes.log_fitted_model,
                inputs=["model", "committee", "regions", "drawn", "model_card", "train_table"],
                outputs="model_info",
                name="log_model",
            ),
            node(
                nodes.register_model,
                inputs=["model_info", "test_table", "params:registration"],
                outputs="registration_report",
                name="register_model",
            ),
        ]
    )


def _drawing() -> Pipeline:
    return pipeline(
        [
            node(draw.draw_curves, inputs="scores", outputs=FIGURES[0:2], name="draw_curves"),
            node(
                draw.draw_trade_off,
                inputs=["trade_off", "decision_report"],
                outputs="figure_trade_off",
                name="draw_trade_off",
            ),
            node(draw.draw_episodes, inputs="synthesis_history", outputs=FIGURES[3:5], name="draw_episodes"),
            node(
                draw.draw_anomalies,
                inputs=["train_rows", "test_rows", "synthetic_rows", "params:run"],
                outputs="figure_anomalies_by_episode",
                name="draw_anomalies_by_episode",
            ),
            node(
                figures.rows_per_expert,
                inputs="rows_per_expert",
                outputs="figure_rows_per_expert",
                name="draw_rows_per_expert",
            ),
            node(
                draw.draw_decision_regions,
                inputs=["model", "train_rows", "test_rows", "synthetic_rows"],
                outputs="figure_decision_regions",
                name="draw_decision_regions",
            ),
            node(
                draw.draw_losses,
                inputs=["pretraining_history", "experts_history", "gate_history"],
                outputs="figure_losses",
                name="draw_losses",
            ),
            node(
                draw.compose_page,
                inputs=["params:run", "metrics", *FIGURES],
                outputs="report_page",
                name="compose_page",
            ),
        ]
    )
