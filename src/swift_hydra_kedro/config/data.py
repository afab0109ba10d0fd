"""What a run is about, the user's own tables, and how features are prepared."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field, RootModel, model_validator

from swift_hydra_kedro.config.base import Config
from swift_hydra_kedro.config.scoring import check_ids


class RunConfig(Config):
    """What one run is about: `--params=dataset=...,train_size=...,seed=...`."""

    dataset: str = Field(
        "digits", min_length=1, description="An ADBench file's stem, an embedded set, or a name under `tables`."
    )
    train_size: float = Field(0.4, gt=0, lt=1, description="Share of the rows used for training.")
    seed: int = Field(0, ge=0, lt=2**31, description="Seed of the split and of everything random after it.")
    warm_start: str | None = Field(
        None,
        min_length=1,
        description="Model that training goes on from, as MLflow names it (`models:/claims@champion`), or its folder; "
        "null: training starts anew.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where torch trains; auto takes CUDA if present. A saved model scores on the CPU."
    )


class TableConfig(Config):
    """A table of the user's own: a CSV, Parquet or npz file with a label column."""

    path: str = Field(
        min_length=1, description="File path; a relative one starts at the project's root. Any fsspec URL works."
    )
    label: str = Field("y", description="Name of the label column (of the label array in an npz file).")
    positive_label: str | int | float | bool = Field(1, description="The label's value that means anomaly.")
    id_columns: tuple[str, ...] = Field((), description="Columns that name a row and are no features.")
    time_column: str | None = Field(
        None,
        description="Column that says when a row came about, in numbers or dates, and is no feature: in the full "
        "pipeline the earliest rows train and later ones test; null: both are drawn at random.",
    )
    categorical_columns: tuple[str, ...] = Field(
        (), description="Columns to one-hot encode although they hold numbers; text columns always are."
    )

    @model_validator(mode="after")
    def _scores_can_have_them(self) -> TableConfig:
        check_ids(self.row_columns)
        return self

    @property
    def row_columns(self) -> tuple[str, ...]:
        """Columns that are kept beside a row: its ids and its time."""
        times = () if self.time_column is None else (self.time_column,)
        return tuple(dict.fromkeys([*self.id_columns, *times]))


class TablesConfig(RootModel[dict[str, TableConfig]]):
    """The user's tables by name (`tables` in `parameters_ingestion.yml`)."""

    model_config = ConfigDict(frozen=True)


class PreparationConfig(Config):
    """Split, imputation, encoding and scaling; all fitted on the training part alone."""

    clip: float = Field(10.0, gt=0, description="Standardised features are clipped to +-clip standard deviations.")
    max_categories: int = Field(
        32, ge=2, description="One-hot columns per categorical feature; rarer categories share one."
    )
