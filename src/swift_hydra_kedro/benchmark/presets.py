"""What the named grids hold. A name of a method is looked up when a grid is used, and not before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from swift_hydra_kedro.baselines.registry import DETECTORS, FED, OVERSAMPLERS
from swift_hydra_kedro.baselines.swift_hydra import KL_WEIGHTS
from swift_hydra_kedro.config import BenchmarkConfig

Datasets = tuple[str, ...] | Literal["adbench"]
SHARES = (0.4, 0.3, 0.2, 0.1)


@dataclass(frozen=True)
class Grid:
    """All combinations of what it holds; an over-sampler of None leaves the rows as they are."""

    detectors: tuple[str, ...]
    oversamplers: tuple[str | None, ...] = (None,)
    datasets: Datasets = "adbench"
    train_sizes: tuple[float, ...] = SHARES
    seeds: tuple[int, ...] = (0,)


QUICK = (
    Grid(
        ("swift_hydra", FED, "extra_trees", "random_forest", "hist_gradient_boosting", "isolation_forest"),
        datasets=("digits", "breast_cancer", "sine"),
        train_sizes=(0.4,),
    ),
    Grid(("extra_trees",), ("smote",), datasets=("digits", "breast_cancer", "sine"), train_sizes=(0.4,)),
)
TABLE_1 = (Grid(("dte_c", "dte_np", "rejex", "adgym_search", "swift_hydra_single", "swift_hydra")),)
TABLE_4 = (Grid(("ecod", "dev_net", "prenet", "deep_sad", "feawad", "ft_transformer", "swift_hydra")),)
TABLE_5_6 = (
    Grid(("transformer", "mamba"), (None, "vae_geometry")),
    Grid(("swift_hydra_transformer", "swift_hydra")),
)
TABLE_7 = (Grid(("swift_hydra_traditional", "swift_hydra")),)
FIGURE_5 = (
    Grid(
        (FED,),
        (
            None,
            "smote",
            "borderline_smote",
            "svm_smote",
            "adasyn",
            "cbo",
            "oversampling_gan",
            "vae_geometry",
        ),
        train_sizes=(0.4,),
    ),
    Grid(("swift_hydra",), train_sizes=(0.4,)),
)
KL_WEIGHT = (Grid(("swift_hydra", *(f"swift_hydra_kl_{weight}" for weight in KL_WEIGHTS)), train_sizes=(0.4,)),)
_MIXANN = Grid(
    ("knn_classifier", "xgboost", "mlp"),
    (
        None,
        "random_averaging",
        "smote",
        "borderline_smote",
        "svm_smote",
        "adasyn",
        "auto_smote",
        "mix_boost",
        "mixann",
    ),
    datasets=(
        "40_vowels",
        "2_annthyroid",
        "23_mammography",
        "30_satellite",
        "34_smtp",
        "CIFAR10_0",
        "FashionMNIST_0",
    ),
    train_sizes=(0.8,),
    seeds=(0, 1, 2, 3, 4),
)
MIXANN = (_MIXANN, replace(_MIXANN, detectors=("xgbod", "dev_net", "deep_sad"), oversamplers=(None,)))


def everything() -> tuple[Grid, ...]:
    """All other grids, every detector of the registry, and extra trees fed by every over-sampler."""
    others = QUICK + TABLE_1 + TABLE_4 + TABLE_5_6 + TABLE_7 + FIGURE_5 + KL_WEIGHT + MIXANN
    variants = {f"swift_hydra_kl_{weight}" for weight in KL_WEIGHTS}
    detectors = tuple(name for name in DETECTORS if name not in variants)
    return (*others, Grid(detectors), Grid(("extra_trees",), tuple(OVERSAMPLERS)))


PRESETS: dict[str, Callable[[], tuple[Grid, ...]]] = {
    "quick": lambda: QUICK,
    "table1": lambda: TABLE_1,
    "table4": lambda: TABLE_4,
    "table5_6": lambda: TABLE_5_6,
    "table7": lambda: TABLE_7,
    "figure5": lambda: FIGURE_5,
    "kl_weight": lambda: KL_WEIGHT,
    "mixann": lambda: MIXANN,
    "all": everything,
}


def grids_of(config: BenchmarkConfig) -> tuple[Grid, ...]:
    """The preset's grids with what the configuration sets in the place of their own.

    Detectors or over-samplers that are set make a single pairing of methods, whatever grids the preset has.
    """
    grids = PRESETS[config.preset]()
    if config.detectors is not None or config.oversamplers is not None:
        pairs = Grid(config.detectors or _all_detectors(grids), config.oversamplers or (None,))
        grids = tuple(
            dict.fromkeys(replace(grid, detectors=pairs.detectors, oversamplers=pairs.oversamplers) for grid in grids)
        )
    given = {name: getattr(config, name) for name in ("datasets", "train_sizes", "seeds")}
    return tuple(replace(grid, **{name: value for name, value in given.items() if value is not None}) for grid in grids)


def _all_detectors(grids: tuple[Grid, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for grid in grids for name in grid.detectors))
