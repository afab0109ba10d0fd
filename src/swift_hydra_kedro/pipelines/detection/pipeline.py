"""Detection: from real and synthetic rows to a gated mixture of Mamba experts."""

from kedro.pipeline import Pipeline, node, pipeline

from swift_hydra_kedro.pipelines.detection.nodes import (
    assemble_model,
    cluster_rows,
    count_rows_per_expert,
    draw_reference,
    profile_rows,
    train_all_experts,
    train_mixture,
)


def create_pipeline() -> Pipeline:
    """Clusters, experts, gate, threshold."""
    return pipeline(
        [
            node(
                cluster_rows,
                inputs=["train_rows", "synthetic_rows", "earlier", "params:detection", "params:run"],
                outputs=["regions", "regions_report"],
                name="cluster",
            ),
            node(
                train_all_experts,
                inputs=["train_rows", "synthetic_rows", "regions", "earlier", "params:detection", "params:run"],
                outputs=["committee", "drawn", "out_of_bag", "experts_history", "experts_report"],
                name="train_experts",
            ),
            node(
                train_mixture,
                inputs=[
                    "committee",
                    "out_of_bag",
                    "train_rows",
                    "synthetic_rows",
                    "regions",
                    "earlier",
                    "params:detection",
                    "params:run",
                ],
                outputs=["mixture", "gate_history", "gate_report"],
                name="train_gate",
            ),
            node(
                profile_rows,
                inputs=["mixture", "preprocessor", "train_table", "test_rows"],
                outputs="profile",
                name="profile_rows",
            ),
            node(
                draw_reference,
                inputs=["train_rows", "train_table", "params:run"],
                outputs="reference",
                name="draw_reference",
            ),
            node(
                assemble_model,
                inputs=["mixture", "preprocessor", "profile", "reference", "out_of_bag", "params:decision"],
                outputs=["model", "trade_off", "decision_report"],
                name="assemble_model",
            ),
            node(
                count_rows_per_expert,
                inputs=["model", "regions", "train_rows", "test_rows"],
                outputs="rows_per_expert",
                name="count_rows_per_expert",
            ),
        ]
    )
