"""Benchmark: from the configured grid to the results of its cells."""

from kedro.pipeline import Pipeline, node, pipeline

from swift_hydra_kedro.pipelines.benchmark.nodes import measure_cells


def create_pipeline() -> Pipeline:
    """One node: what runs side by side are its cells, on a Dask cluster."""
    return pipeline(
        [
            node(
                measure_cells,
                inputs=[
                    "raw_tables",
                    "benchmark_cells",
                    "params:benchmark",
                    "params:tables",
                    "params:preparation",
                    "params:pretraining",
                    "params:synthesis",
                    "params:detection",
                    "params:decision",
                    "params:run",
                ],
                outputs="benchmark_summary",
                name="measure_cells",
            )
        ]
    )
