"""A model's checkpoint folder in Kedro's catalog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from swift_hydra_kedro.data.checkpoint import Checkpoint, is_checkpoint, load_checkpoint, save_checkpoint


class CheckpointDataset(AbstractDataset[Checkpoint, Checkpoint]):
    """Saves and loads a `Checkpoint` as a folder of `tensors.safetensors` and `state.json`.

    Examples
    --------
    .. code-block:: yaml

        detector:
          type: swift_hydra_kedro.datasets.CheckpointDataset
          filepath: data/06_models/detector
    """

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> Checkpoint:
        """Read the folder; see `load_checkpoint`."""
        return load_checkpoint(self._filepath)

    def save(self, data: Checkpoint) -> None:
        """Write the folder; see `save_checkpoint`."""
        save_checkpoint(self._filepath, data)

    def _exists(self) -> bool:
        return is_checkpoint(self._filepath)

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}
