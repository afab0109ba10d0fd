"""Report: from the benchmark's cells to a page and tables."""

from kedro.pipeline import Pipeline, node, pipeline

from swift_hydra_kedro.pipelines.report.nodes import write_report


def create_pipeline() -> Pipeline:
    """One node."""
    return pipeline(
        [
            node(
                write_report,
                inputs=["benchmark_cells", "params:report"],
                outputs=["benchmark_page", "benchmark_tables", "benchmark_archive"],
                name="write_report",
            )
        ]
    )
