"""One door to all data sets: the user's own tables, the embedded ones, and ADBench."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import fsspec

from swift_hydra_kedro.config import TablesConfig
from swift_hydra_kedro.data import adbench
from swift_hydra_kedro.data.embedded import EMBEDDED
from swift_hydra_kedro.data.npz import read_npz
from swift_hydra_kedro.data.table import LabelledTable, from_arrays
from swift_hydra_kedro.data.tabular import place_of, read_table


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

    def check_names(self, datasets: Iterable[str], tables: TablesConfig) -> None:
        """Raise a `ValueError` if there is no data set of one of these names."""
        known = {*tables.root, *EMBEDDED, *adbench.stems()}
        for dataset in datasets:
            if dataset not in known:
                raise ValueError(_unknown(dataset, tables))

    def shape(self, dataset: str, tables: TablesConfig) -> tuple[int, int]:
        """Rows and source columns of a data set, which is read only if the manifest does not tell them."""
        if dataset not in {*tables.root, *EMBEDDED} and dataset in adbench.stems():
            known = adbench.entry(dataset)
            if known.n_samples is not None and known.n_features is not None:
                return known.n_samples, known.n_features
        return self.read(dataset, tables).features.shape

    def version_of(self, dataset: str, tables: TablesConfig) -> dict[str, Any]:
        """Size and time of change of an own table's file, as far as its file system knows; nothing of other sets."""
        if dataset not in tables.root:
            return {}
        fs, place = fsspec.url_to_fs(place_of(tables.root[dataset].path, self.project))
        info = fs.info(place) if fs.exists(place) else {}
        return {"size": info.get("size"), "changed": str(info.get("mtime", info.get("LastModified")))}

    def adbench_files(self) -> list[str]:
        """The ADBench files that the mirror holds; all of them if they are taken from GitHub."""
        return list(adbench.stems()) if self.mirror is None else adbench.held_by(self.mirror)


def _unknown(dataset: str, tables: TablesConfig) -> str:
    names = {name.lower(): name for name in (*adbench.stems(), *EMBEDDED, *tables.root)}
    close = [names[match] for match in get_close_matches(dataset.lower(), names, cutoff=0.5)]
    return (
        f"there is no data set {dataset!r}{'; did you mean ' + ', '.join(close) + '?' if close else '.'} A name is "
        f"an entry under `tables` in parameters_ingestion.yml ({', '.join(tables.root) or 'none yet'}), an embedded "
        f"set ({', '.join(EMBEDDED)}), or an ADBench file's stem such as 7_Cardiotocography or CIFAR10_0"
    )
