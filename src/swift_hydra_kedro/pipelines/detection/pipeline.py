"""Detection: from real and synthetic rows to a gated mixture of Mamba experts."""

from kedro.pipeline import Pipeline, node, pipeline

from swift_hydra_kedro.pipelines.detection.nodes import (
    cluster_rows,
    count_rows_per_expert,
    train_all_experts,
    train_mixture,
)


def create_pipeline() -> Pipeline:
    """Clusters, experts, gate."""
    return pipeline(
        [
            node(
                cluster_rows,
                inputs=["train_rows", "synthetic_rows", "params:detection", "params:run"],
                outputs=["regions", "regions_report"],
                name="cluster",
            ),
            node(
                train_all_experts,
                inputs=["train_rows", "synthetic_rows", "regions", "params:detection", "params:run"],
                outputs=["committee", "experts_history", "experts_report"],
                name="train_experts",
            ),
            node(
                train_mixture,
                inputs=[
                    "committee",
                    "train_rows",
                    "synthetic_rows",
                    "regions",
                    "preprocessor",
                    "params:detection",
                    "params:evaluation",
                    "params:run",
                ],
                outputs=["model", "gate_history", "gate_report"],
                name="train_gate",
            ),
            node(
                count_rows_per_expert,
                inputs=["model", "regions", "train_rows", "test_rows"],
                outputs="rows_per_expert",
                name="count_rows_per_expert",
            ),
        ]
    )
