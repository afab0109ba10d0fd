"""Swift Hydra itself and its variants, as the paper compares them: what the configuration says, but for one thing.

Table 1 has the whole method and the single detector, table 5 Transformer blocks in the place of Mamba blocks, table 7
another training of the mixture, and figure 7 other weights of the C-VAE's KL term.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from swift_hydra_kedro.baselines.method import Factory
from swift_hydra_kedro.config import RunConfig, SwiftHydraConfig

if TYPE_CHECKING:  # torch and all: imported when a method is built
    from swift_hydra_kedro.estimator import SwiftHydraClassifier, SwiftHydraSampler

STAGES = ("preparation", "pretraining", "synthesis", "detection")
KL_WEIGHTS = (0.4, 0.5, 0.55, 0.6, 0.7)  # of figure 7
_BLOCK = {"mamba": {"block": "transformer"}}
TRANSFORMER = {
    "pretraining": {"detector": _BLOCK, "judge": _BLOCK},
    "detection": {"experts": _BLOCK},
}
_ONE_STEP = {"epochs": 1, "min_steps": 1, "max_steps": 1, "sqrt_rows": None}


def variant(overrides: dict[str, Any] | None = None) -> Factory:
    """The whole method with what the configuration says but for `overrides`."""
    return lambda run, config: classifier(run, config.updated(overrides or {}))


def classifier(run: RunConfig, config: SwiftHydraConfig) -> SwiftHydraClassifier:
    """The whole method."""
    from swift_hydra_kedro.estimator import SwiftHydraClassifier

    return SwiftHydraClassifier(**_settings(run, config, *STAGES))


def single(run: RunConfig, config: SwiftHydraConfig) -> Any:
    """The single detector after the loop."""
    from swift_hydra_kedro.baselines.detectors.swift_hydra_single import SwiftHydraSingle

    return SwiftHydraSingle(**_settings(run, config, "preparation", "pretraining", "synthesis"))


def sampler(run: RunConfig, config: SwiftHydraConfig) -> SwiftHydraSampler:
    """The generative module alone."""
    from swift_hydra_kedro.estimator import SwiftHydraSampler

    return SwiftHydraSampler(**_settings(run, config, "preparation", "pretraining", "synthesis"))


def traditional(run: RunConfig, config: SwiftHydraConfig) -> SwiftHydraClassifier:
    """The whole method with the mixture trained the usual way (C.4.2): gate and experts learn from the labels together.

    From the first step on the gate chooses among experts that know nothing yet, nothing keeps it from choosing the same
    ones ever again, and an expert learns from the rows alone that it gets, for as many steps as experts have else. What
    is trained before there is a gate has no place in this: the committee, the additive path, the calibration.
    """
    changed = {
        "experts": {
            "committee_size": None,
            "training": _ONE_STEP,
            "mamba": {"additive": None},
            "neighbours": config.detection.experts.neighbours and {"min_worth": 0.0},
        },
        "gate": {
            "distil": False,
            "balance_weight": 0.0,
            "expert_weight": 0.0,
            "training": _ONE_STEP,
            "joint_training": config.detection.experts.training.model_dump(),
        },
        "calibrate": False,
    }
    return classifier(run, config.updated({"detection": changed}))


def _settings(run: RunConfig, config: SwiftHydraConfig, *stages: str) -> dict[str, Any]:
    own = {stage: getattr(config, stage).model_dump() for stage in stages}
    return own | {"device": run.device, "random_state": run.seed, "verbose": True}
