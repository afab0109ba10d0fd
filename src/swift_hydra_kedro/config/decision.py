"""From which probability on a row is called an anomaly."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from swift_hydra_kedro.config.base import Config


class DecisionConfig(Config):
    """From which probability on a row is called an anomaly; all rules but the first look at training rows."""

    rule: Literal["threshold", "budget", "precision", "recall", "costs"] = Field(
        "threshold",
        description="What decides: a given threshold, a budget of alerts, a precision or a recall to be reached, or "
        "least costs.",
    )
    threshold: float = Field(
        0.2,
        ge=0,
        le=1,
        description="Least probability of an anomaly (table 2); also where a rule has no rows to look at.",
    )
    alerts_per_1000: float = Field(10, gt=0, le=1000, description="Most alerts among 1,000 rows (budget).")
    precision: float = Field(0.8, gt=0, le=1, description="Least share of the alerts that is right (precision).")
    recall: float = Field(0.9, gt=0, le=1, description="Least share of the anomalies that is found (recall).")
    cost_of_miss: float = Field(10, gt=0, description="What an anomaly costs that is not found (costs).")
    cost_of_false_alarm: float = Field(1, gt=0, description="What an alert costs that is wrong (costs).")
