"""The trained model in Kedro's catalog, or another one in its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro.utils import find_kedro_project

from swift_hydra_kedro.data.checkpoint import Checkpoint
from swift_hydra_kedro.datasets.checkpoint import CheckpointDataset


class ModelDataset(CheckpointDataset):
    """A `CheckpointDataset` that loads another model if one is named, as MLflow names it or by its folder.

    All that load it from one catalog get the same model: an alias may move to another one in the meantime. A folder's
    path starts at the root of the Kedro project that holds `filepath`.

    Examples
    --------
    .. code-block:: yaml

        model:
          type: swift_hydra_kedro.datasets.ModelDataset
          filepath: data/06_models/claims/model
          named: models:/claims@champion
    """

    def __init__(self, filepath: str, named: str | None = None, metadata: dict[str, Any] | None = None) -> None:
        super().__init__(filepath, metadata)
        self._named = named
        self._loaded: Checkpoint | None = None

    def load(self) -> Checkpoint:
        """Read the folder, or the model that is named; see `load_model`."""
        if self._named is None:
            return super().load()
        from swift_hydra_kedro.serving.logged_model import load_model  # most runs do without

        if self._loaded is None:
            self._loaded = load_model(self._named, find_kedro_project(self._filepath) or Path.cwd())
        return self._loaded

    def _release(self) -> None:
        self._loaded = None

    def _describe(self) -> dict[str, Any]:
        return super()._describe() | ({} if self._named is None else {"named": self._named})
