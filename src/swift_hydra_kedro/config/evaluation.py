"""What the evaluation compares."""

from __future__ import annotations

from pydantic import Field

from swift_hydra_kedro.config.base import Config


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
