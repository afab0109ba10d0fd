"""The model's place in MLflow's registry."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from swift_hydra_kedro.config.base import Config


class RegistrationConfig(Config):
    """Under which name a model is registered, and what it takes to be the one in use."""

    model_config = ConfigDict(regex_engine="python-re")

    name: str | None = Field(
        None,
        min_length=1,
        pattern=r"^[^/:'\"%]+$",
        description="Name in MLflow's registry; null: it is not registered.",
    )
    alias: str = Field(
        "champion",
        pattern=r"^(?!(v\d+|latest)$)[\w-]+$",
        description="Alias of the version in use, which goes to a new one that is better on the run's test rows.",
    )
    metric: Literal["auc_pr", "auc_roc"] = Field("auc_pr", description="What better means.")
