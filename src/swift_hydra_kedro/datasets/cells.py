"""The folder of a benchmark's results behind one entry of Kedro's catalog."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from swift_hydra_kedro.benchmark.store import CellStore


class CellStoreDataset(AbstractDataset[NoReturn, CellStore]):
    """Loads a `CellStore`, which reads and writes the cells' files in the folder `filepath`.

    Examples
    --------
    .. code-block:: yaml

        benchmark_cells:
          type: swift_hydra_kedro.datasets.CellStoreDataset
          filepath: data/08_reporting/benchmark/cells
    """

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath).absolute()
        self.metadata = metadata

    def load(self) -> CellStore:
        """Give the store; nothing is read before it is asked for."""
        return CellStore(self._filepath)

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse: cells are written one by one, as they are finished."""
        raise DatasetError("cells cannot be saved together; each is written by the store that load() gives")

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}
