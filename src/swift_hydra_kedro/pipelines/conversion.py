"""Between what the catalog stores and what the library computes with."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from swift_hydra_kedro.config import RunConfig
from swift_hydra_kedro.data.checkpoint import Checkpoint
from swift_hydra_kedro.models.fitting import LabelledRows
from swift_hydra_kedro.models.runtime import choose_device


def to_rows(checkpoint: Checkpoint, run: RunConfig) -> LabelledRows:
    """Scaled rows `x (N, P)` with labels `y (N,)`, all of weight 1, on the run's device."""
    label = checkpoint.tensors["y"]
    return LabelledRows.from_arrays(checkpoint.tensors["x"], label, np.ones(len(label)), choose_device(run.device))


def to_synthetic(checkpoint: Checkpoint, run: RunConfig) -> torch.Tensor:
    """Synthetic anomalies `(g, P)` on the run's device."""
    return torch.as_tensor(checkpoint.tensors["x"], device=choose_device(run.device))


def stacked_histories(**histories: list[dict[str, float]]) -> pd.DataFrame:
    """Histories of several models below each other, told apart by the column `model`."""
    frames = [pd.DataFrame(rows).assign(model=name) for name, rows in histories.items()]
    return pd.concat(frames, ignore_index=True)
