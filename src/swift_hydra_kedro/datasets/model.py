"""A trained model in Kedro's catalog, wherever it is kept."""

from __future__ import annotations

from typing import Any

from kedro.io import AbstractDataset, DatasetError

from swift_hydra_kedro.data.checkpoint import Checkpoint


class ModelDataset(AbstractDataset[Checkpoint, Checkpoint]):
    """Loads the model of a folder, or another one if it is named, as MLflow names it or by its folder; saves none.

    All that load it from one catalog get the same model: an alias may move to another one in the meantime.

    Examples
    --------
    .. code-block:: yaml

        scoring_model:
          type: swift_hydra_kedro.datasets.ModelDataset
          filepath: data/06_models/claims/model
          named: models:/claims@champion
    """

    def __init__(self, filepath: str, named: str | None = None, metadata: dict[str, Any] | None = None) -> None:
        self._model = filepath if named is None else named
        self._loaded: Checkpoint | None = None
        self.metadata = metadata

    def load(self) -> Checkpoint:
        """Read the model; see `load_model`."""
        from swift_hydra_kedro.serving.logged_model import load_model  # most runs do without

        if self._loaded is None:
            self._loaded = load_model(self._model)
        return self._loaded

    def save(self, data: Checkpoint) -> None:
        """Refuse: a model is saved by the run that trains it."""
        raise DatasetError(f"{self._model} is read-only")

    def _release(self) -> None:
        self._loaded = None

    def _describe(self) -> dict[str, Any]:
        return {"model": self._model}
