"""Scoring of new rows with a trained model."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from swift_hydra_kedro.config.base import Config


class DriftConfig(Config):
    """When new rows are said to differ from those of training."""

    moderate: float = Field(0.1, gt=0, description="Least population stability index that is called moderate drift.")
    strong: float = Field(0.25, gt=0, description="Least population stability index that is called strong drift.")
    false_alarms: float = Field(
        0.001,
        gt=0,
        lt=1,
        description="Share of tables without drift that chance may make look drifted: few rows seldom tell.",
    )

    @model_validator(mode="after")
    def _moderate_is_less_than_strong(self) -> DriftConfig:
        if self.moderate > self.strong:
            raise ValueError(f"moderate ({self.moderate}) exceeds strong ({self.strong})")
        return self


def check_ids(names: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Refuse columns of ids that have the name of one of the output's own columns."""
    taken = [
        name for name in names or () if re.fullmatch(r"row|score|is_anomaly|threshold|expert_\d+|model|reason", name)
    ]
    if taken:
        raise ValueError(f"{taken} are names of columns that scores have: rename these in the table")
    return names


class ScoringConfig(Config):
    """How a table of new rows is scored."""

    key: Annotated[tuple[str, ...] | None, AfterValidator(check_ids)] = Field(
        None,
        description="Columns that name a row, copied to the output; null: the table's id and time columns, if there.",
    )
    threshold: float | None = Field(
        None, ge=0, le=1, description="Least probability that is called an anomaly; null: the model's."
    )
    chunk_rows: int = Field(32_768, ge=1, description="Rows of a Parquet file in memory at a time.")
    chunk_bytes: int = Field(2**23, ge=1024, description="Bytes of a CSV file in memory at a time.")
    engine: Literal["local", "dask"] = Field(
        "local", description="What scores the chunks: this process, or the workers of a Dask cluster."
    )
    scheduler: str | None = Field(
        None,
        description="Address of the cluster's scheduler, such as tcp://host:8786; null: a cluster of processes here.",
    )
    workers: int = Field(2, ge=1, description="Processes of a cluster here, each with one thread.")
    drift: DriftConfig = DriftConfig()

    @model_validator(mode="after")
    def _scheduler_is_dask_s(self) -> ScoringConfig:
        if self.scheduler is not None and self.engine != "dask":
            raise ValueError(f"scheduler ({self.scheduler}) is set, but engine is {self.engine!r}, not 'dask'")
        return self
