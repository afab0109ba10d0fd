"""Names of the methods as people read them."""

from __future__ import annotations

_DISPLAY_NAMES = {
    "swift_hydra_mome": "Swift Hydra (MoME)",
    "swift_hydra_single": "Swift Hydra (single)",
    "swift_hydra_no_synthesis": "Swift Hydra, no synthesis",
    "smote": "SMOTE + mixture",
}


def display_name(method: str) -> str:
    """Human name of a method, from its key in `metrics.json`."""
    return _DISPLAY_NAMES.get(method, method.replace("_", " ").title())


def is_own(method: str) -> bool:
    """Whether the method is one of Swift Hydra's variants."""
    return method.startswith("swift_hydra")
