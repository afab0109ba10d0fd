"""What a run is about, the user's own tables, and how features are prepared."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, RootModel

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
    id_columns: Annotated[tuple[str, ...], AfterValidator(check_ids)] = Field(
        (), description="Columns that name a row and are no features."
    )
    categorical_columns: tuple[str, ...] = Field(
        (), description="Columns to one-hot encode although they hold numbers; text columns always are."
    )


class TablesConfig(RootModel[dict[str, TableConfig]]):
    """The user's tables by name (`tables` in `parameters_ingestion.yml`)."""

    model_config = ConfigDict(frozen=True)


class PreparationConfig(Config):
    """Split, imputation, encoding and scaling; all fitted on the training part alone."""

    clip: float = Field(10.0, gt=0, description="Standardised features are clipped to +-clip standard deviations.")
    max_categories: int = Field(
        32, ge=2, description="One-hot columns per categorical feature; rarer categories share one."
    )
