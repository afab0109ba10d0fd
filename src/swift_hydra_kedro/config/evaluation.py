"""What the evaluation compares."""

from __future__ import annotations

from pydantic import Field, field_validator

from swift_hydra_kedro.config.base import Config

MEASURED_ANYWAY = "swift_hydra_single"


class EvaluationConfig(Config):
    """What Swift Hydra is compared with."""

    baselines: tuple[str, ...] = Field(
        (
            "swift_hydra_no_synthesis",
            "smote",
            "extra_trees",
            "random_forest",
            "hist_gradient_boosting",
            "isolation_forest",
        ),
        description="Names from the registry of baselines.",
    )

    @field_validator("baselines")
    @classmethod
    def _measured_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if MEASURED_ANYWAY in names:
            raise ValueError(f"every run measures {MEASURED_ANYWAY!r}, the detector after its loop: leave it out")
        return names
