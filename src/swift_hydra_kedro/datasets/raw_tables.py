"""All raw data sets behind one entry of Kedro's catalog."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError
from kedro.utils import find_kedro_project

from swift_hydra_kedro.data.sources import RawTables


class RawTablesDataset(AbstractDataset[NoReturn, RawTables]):
    """Loads `RawTables`, which reads a data set by name and keeps fetched ADBench files in `filepath`.

    `ADBENCH_MIRROR` names a folder or URL to fetch them from. Relative paths of own tables start at
    the Kedro project that holds `filepath`, whatever the working directory.

    Examples
    --------
    .. code-block:: yaml

        raw_tables:
          type: swift_hydra_kedro.datasets.RawTablesDataset
          filepath: data/01_raw
    """

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath).absolute()
        self.metadata = metadata

    def load(self) -> RawTables:
        """Give the tables' reader; nothing is read or fetched before one is asked for."""
        project = find_kedro_project(self._filepath) or Path.cwd()
        return RawTables(self._filepath, project, os.environ.get("ADBENCH_MIRROR") or None)

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse: raw data are never written by a pipeline."""
        raise DatasetError("raw tables cannot be saved; write to another catalog entry")

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}
