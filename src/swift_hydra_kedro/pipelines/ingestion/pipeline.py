"""Ingestion: from a source to a checked table."""

from kedro.pipeline import Pipeline, node, pipeline

from swift_hydra_kedro.pipelines.ingestion.nodes import ingest


def create_pipeline() -> Pipeline:
    """One node: read and check."""
    return pipeline(
        [
            node(
                ingest,
                inputs=["raw_tables", "params:tables", "params:run.dataset"],  # splits and seeds share the table
                outputs=["table", "table_summary"],
                name="ingest",
            )
        ]
    )
