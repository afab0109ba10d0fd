"""MixAnN: from a table to synthetic rows for three classifiers, and what they bring."""

from kedro.pipeline import Pipeline, node, pipeline

from swift_hydra_kedro.pipelines.mixann import nodes


def create_pipeline() -> Pipeline:
    """Split, search, measure."""
    return pipeline(
        [
            node(
                nodes.split_rows,
                inputs=["table", "params:preparation", "params:mixann", "params:run"],
                outputs=["mixann_train_rows", "mixann_test_rows", "mixann_preprocessor"],
                name="split_for_mixann",
            ),
            node(
                nodes.search_mixtures,
                inputs=["mixann_train_rows", "params:mixann", "params:run"],
                outputs=["mixann_synthetic", "mixann_history"],
                name="search_mixtures",
            ),
            node(
                nodes.measure_augmentation,
                inputs=["mixann_train_rows", "mixann_test_rows", "mixann_synthetic", "params:mixann", "params:run"],
                outputs="mixann_report",
                name="measure_augmentation",
            ),
            node(
                nodes.to_original_units,
                inputs=["mixann_synthetic", "mixann_preprocessor"],
                outputs="mixann_synthetic_rows",
                name="mixtures_to_original_units",
            ),
            node(
                nodes.to_mlflow_metrics,
                inputs=["mixann_report", "mixann_history"],
                outputs="mixann_metrics",
                name="log_mixann_metrics",
            ),
        ]
    )
