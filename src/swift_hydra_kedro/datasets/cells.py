"""The folder of a benchmark's results behind one entry of Kedro's catalog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from swift_hydra_kedro.benchmark.store import CellStore


class CellStoreDataset(AbstractDataset[CellStore, CellStore]):
    """Loads a `CellStore`, which reads and writes the cells' files in the folder `filepath`.

    Saved is another store: all of its cells in one file of the folder.

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

    def save(self, data: CellStore) -> None:
        """Gather the cells of another store."""
        CellStore(self._filepath).gather(data)

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}
