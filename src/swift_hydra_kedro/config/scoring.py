"""Scoring of new rows with a trained model."""

from __future__ import annotations

from pydantic import Field

from swift_hydra_kedro.config.base import Config


class ScoringConfig(Config):
    """How a table of new rows is scored."""

    key: tuple[str, ...] | None = Field(
        None,
        description="Columns that name a row, copied to the output; null: the table's id columns, if there.",
    )
    threshold: float | None = Field(
        None, ge=0, le=1, description="Least probability that is called an anomaly; null: the model's."
    )
    chunk_rows: int = Field(32_768, ge=1, description="Rows of a Parquet file in memory at a time.")
    chunk_bytes: int = Field(2**23, ge=1024, description="Bytes of a CSV file in memory at a time.")
