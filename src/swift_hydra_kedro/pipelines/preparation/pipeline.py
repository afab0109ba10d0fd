"""Preparation: from a table to scaled rows of a training and a test part."""

from kedro.pipeline import Pipeline, node, pipeline

from swift_hydra_kedro.pipelines.preparation.nodes import fit_preprocessor, scale, split_table, take_up_training


def create_pipeline() -> Pipeline:
    """Split, fit on the training part, scale both."""
    return pipeline(
        [
            node(
                take_up_training,
                inputs="params:run",
                outputs="earlier",
                name="take_up_training",
            ),
            node(
                split_table,
                inputs=["table", "earlier", "params:tables", "params:run"],
                outputs=["train_table", "test_table", "test_duplicates", "split_report"],
                name="split",
            ),
            node(
                fit_preprocessor,
                inputs=["train_table", "earlier", "params:preparation"],
                outputs="preprocessor",
                name="fit_preprocessor",
            ),
            node(
                scale,
                inputs=["train_table", "test_table", "preprocessor"],
                outputs=["train_rows", "test_rows"],
                name="scale",
            ),
        ]
    )
