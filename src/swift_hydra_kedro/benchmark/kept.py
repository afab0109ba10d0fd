"""The rows that a cell keeps beside its metrics: a sample, for the report's figure 3."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from swift_hydra_kedro.baselines.registry import FED
from swift_hydra_kedro.benchmark.grid import Cell
from swift_hydra_kedro.evaluation.embedding import sample
from swift_hydra_kedro.evaluation.names import WHOLE
from swift_hydra_kedro.models.runtime import stage_generators

REAL = {"normal": 200, "real_anomalies": 200, "test_anomalies": 200}  # rows, at most
GENERATED = {"generated": 100}
_CPU = torch.device("cpu")


def has_rows(cell: Cell) -> bool:
    """Whether the figure shows something of a method: over-samplers, Swift Hydra, and the plain mixture's real rows."""
    return cell.oversampler is not None or cell.detector in (WHOLE, FED)


def kept_rows(cell: Cell, groups: Mapping[str, np.ndarray]) -> dict[str, list[list[float]]]:
    """Rows of a cell by their role.

    The plain mixture keeps the real rows, which all cells of a split have in common, and the others generated ones.

    Parameters
    ----------
    cell : its seed draws the sample
    groups : all scaled rows `(n, P)` in each role
    """
    rng = stage_generators(cell.seed, "kept rows", _CPU).numpy
    limits = REAL if cell.method == FED else GENERATED
    return {role: sample(groups[role], limit, rng).tolist() for role, limit in limits.items()}
