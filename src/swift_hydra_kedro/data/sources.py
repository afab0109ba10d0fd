"""One door to all data sets: the user's own tables, the embedded ones, and ADBench."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from swift_hydra_kedro.config import TablesConfig
from swift_hydra_kedro.data import adbench
from swift_hydra_kedro.data.embedded import EMBEDDED
from swift_hydra_kedro.data.npz import read_npz
from swift_hydra_kedro.data.table import LabelledTable, from_arrays
from swift_hydra_kedro.data.tabular import read_table


@dataclass(frozen=True)
class RawTables:
    """Where raw tables are found.

    Attributes
    ----------
    folder
        ADBench files are kept here once fetched.
    project
        Relative paths of own tables start here.
    mirror
        Folder or URL to take ADBench files from; None takes them from GitHub.
    """

    folder: Path
    project: Path
    mirror: str | None = None

    def read(self, dataset: str, tables: TablesConfig) -> LabelledTable:
        """Read a data set by name: an own table first, then an embedded set, then an ADBench file.

        Raises
        ------
        ValueError
            If there is no such data set, or its content is not usable.
        FileNotFoundError
            If an own table's file, or the mirror's, is missing.
        ConnectionError
            If an ADBench file has to be fetched and cannot be.
        """
        if dataset in tables.root:
            return read_table(tables.root[dataset], self.project)
        if dataset in EMBEDDED:
            return EMBEDDED[dataset]()
        if dataset in adbench.stems():
            return from_arrays(*read_npz(adbench.fetch(dataset, self.folder, self.mirror)))
        raise ValueError(_unknown(dataset, tables))


def _unknown(dataset: str, tables: TablesConfig) -> str:
    names = {name.lower(): name for name in (*adbench.stems(), *EMBEDDED, *tables.root)}
    close = [names[match] for match in get_close_matches(dataset.lower(), names, cutoff=0.5)]
    return (
        f"there is no data set {dataset!r}{'; did you mean ' + ', '.join(close) + '?' if close else '.'} A name is "
        f"an entry under `tables` in parameters_ingestion.yml ({', '.join(tables.root) or 'none yet'}), an embedded "
        f"set ({', '.join(EMBEDDED)}), or an ADBench file's stem such as 7_Cardiotocography or CIFAR10_0"
    )
