"""Between what the catalog stores and what the library computes with."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from swift_hydra_kedro.config import RunConfig
from swift_hydra_kedro.data.checkpoint import Checkpoint
from swift_hydra_kedro.detection.clustering import Clusters
from swift_hydra_kedro.detection.continuation import Earlier, RowKeys
from swift_hydra_kedro.models.checkpoints import load_committee, load_mixture, tensors_below
from swift_hydra_kedro.models.fitting import LabelledRows
from swift_hydra_kedro.models.runtime import choose_device


def to_rows(checkpoint: Checkpoint, run: RunConfig) -> LabelledRows:
    """Scaled rows `x (N, P)` with labels `y (N,)`, all of weight 1, on the run's device."""
    label = checkpoint.tensors["y"]
    return LabelledRows.from_arrays(checkpoint.tensors["x"], label, np.ones(len(label)), choose_device(run.device))


def to_synthetic(checkpoint: Checkpoint, run: RunConfig) -> torch.Tensor:
    """Synthetic anomalies `(g, P)` on the run's device."""
    return torch.as_tensor(checkpoint.tensors["x"], device=choose_device(run.device))


def to_earlier(checkpoint: Checkpoint, run: RunConfig) -> Earlier | None:
    """What `load_training` gave, on the run's device; None if training starts anew."""
    tensors, state = checkpoint.tensors, checkpoint.state
    if not state:
        return None
    device, (_, n_rows) = choose_device(run.device), state["drawn_shape"]
    return Earlier(
        load_committee(tensors_below("committee.", tensors), state["committee"]).to(device),
        load_mixture(tensors_below("mixture.", tensors), state["mixture"]).to(device),
        Clusters(tensors["centres"], tuple(state["inertia"])),
        tensors["cluster_of_member"],
        known_rows(checkpoint),
        np.unpackbits(tensors["drawn"], axis=1, count=n_rows).astype(bool),
    )


def known_rows(checkpoint: Checkpoint) -> RowKeys:
    """Keys of the rows that an earlier training had; the networks are not needed for it."""
    return RowKeys(checkpoint.tensors["code"], checkpoint.tensors["copy"])


def to_training(committee: Checkpoint, regions: Checkpoint, drawn: Checkpoint) -> Checkpoint:
    """What it takes to go on from here, beside the model."""
    tensors = {f"committee.{name}": tensor for name, tensor in committee.tensors.items()}
    tensors |= {name: regions.tensors[name] for name in ("centres", "cluster_of_member")} | drawn.tensors
    return Checkpoint(tensors, {"committee": committee.state} | regions.state | drawn.state)


def from_drawn(keys: RowKeys, drawn: np.ndarray) -> Checkpoint:
    """Which of the rows each network has drawn, `(C, N)`, in an eighth of the bytes."""
    tensors = {"code": keys.code, "copy": keys.copy, "drawn": np.packbits(drawn, axis=1)}
    return Checkpoint(tensors, {"drawn_shape": list(drawn.shape)})


def stacked_histories(**histories: list[dict[str, float]]) -> pd.DataFrame:
    """Histories of several models below each other, told apart by the column `model`."""
    frames = [pd.DataFrame(rows).assign(model=name) for name, rows in histories.items()]
    return pd.concat(frames, ignore_index=True)
