"""How the benchmark's report compares."""

from __future__ import annotations

from pydantic import Field

from swift_hydra_kedro.config.base import Config


class ReportConfig(Config):
    """Which methods the benchmark's report compares, and when it says that two differ."""

    coverage: float = Field(
        0.9,
        gt=0,
        le=1,
        description="Least share of the data sets, of those that the most complete method has, for a method to be "
        "compared.",
    )
    alpha: float = Field(0.05, gt=0, lt=1, description="Level of significance, after Holm's correction.")
