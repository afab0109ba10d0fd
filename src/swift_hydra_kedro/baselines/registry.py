"""Every method by its name.

A name in `evaluation.baselines` is that of a detector, `extra_trees`; that of an over-sampler and the detector that it
feeds, `smote__extra_trees`; or that of an over-sampler alone, `smote`, which then takes the place of Swift Hydra's own
synthesis and feeds its mixture.
"""

from __future__ import annotations

from collections.abc import Iterable

from swift_hydra_kedro.baselines.detectors.registry import DETECTORS, FED
from swift_hydra_kedro.baselines.method import Method
from swift_hydra_kedro.baselines.oversamplers.registry import OVERSAMPLERS

__all__ = ["BETWEEN", "DETECTORS", "FED", "OVERSAMPLERS", "check_names", "get_method", "name_of"]

BETWEEN = "__"


def get_method(name: str) -> Method:
    """Look a method up.

    Raises
    ------
    ValueError
        If there is no method of that name.
    """
    if name in OVERSAMPLERS:
        return Method(DETECTORS[FED], OVERSAMPLERS[name])
    oversampler, between, detector = name.rpartition(BETWEEN)
    if detector not in DETECTORS or (between and oversampler not in OVERSAMPLERS):
        raise ValueError(
            f"unknown baseline {name!r}; there are the detectors {sorted(DETECTORS)}, the over-samplers "
            f"{sorted(OVERSAMPLERS)}, and both, joined by {BETWEEN!r}"
        )
    return Method(DETECTORS[detector], OVERSAMPLERS[oversampler] if between else None)


def name_of(detector: str, oversampler: str | None) -> str:
    """The name by which `get_method` knows a detector, fed by an over-sampler or not."""
    if oversampler is None:
        return detector
    return oversampler if detector == FED else f"{oversampler}{BETWEEN}{detector}"


def check_names(names: Iterable[str]) -> None:
    """Raise an error if a name is unknown (`ValueError`), or the library that it needs is missing (`ImportError`)."""
    for name in names:
        get_method(name).check_installed()
