"""Swift Hydra (ICLR 2025) as a Kedro project and as scikit-learn and imbalanced-learn estimators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from swift_hydra_kedro._version import __version__

__all__ = ["SwiftHydraClassifier", "SwiftHydraSampler", "__version__"]

if TYPE_CHECKING:
    from swift_hydra_kedro.estimator import SwiftHydraClassifier, SwiftHydraSampler


def __getattr__(name: str) -> Any:
    """Import the estimators, and torch with them, only when they are asked for."""
    if name in __all__:
        from swift_hydra_kedro import estimator

        return getattr(estimator, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
