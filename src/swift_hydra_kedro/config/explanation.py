"""Why rows were flagged."""

from __future__ import annotations

from pydantic import Field

from swift_hydra_kedro.config.base import Config


class ExplanationConfig(Config):
    """How alerts are explained."""

    max_alerts: int = Field(200, ge=1, description="Alerts that are explained: those of the highest scores.")
    pairs: int = Field(
        100,
        ge=1,
        description="Antithetic pairs of permutations, each from a normal training row, for a row's contributions.",
    )
    reasons: int = Field(3, ge=1, description="Columns that are named as reasons, at most.")
    nearest: int = Field(3, ge=1, description="Training anomalies that are named as the nearest, at most.")
    figures: int = Field(20, ge=0, description="Alerts with a figure of their own in the report, at most.")
