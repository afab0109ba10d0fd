"""The 57 data sets of the papers, one ADBench file each, and the shapes of all ADBench files without reading any."""

from __future__ import annotations

from pathlib import Path

from swift_hydra_kedro.config import TablesConfig
from swift_hydra_kedro.data import adbench
from swift_hydra_kedro.data.adbench import ManifestEntry
from swift_hydra_kedro.data.sources import RawTables

TABLE_8 = {"FashionMNIST": 6315, "MNIST-C": 10_000, "Agnews": 10_000}  # rows, where no file's are in the manifest


class PaperSets(RawTables):
    """ADBench as the papers count it: families of files, of images and texts, are one data set each."""

    def __init__(self) -> None:
        super().__init__(Path(), Path())

    def adbench_files(self) -> list[str]:
        """One file of each data set: the first one whose shape is known, or the first."""
        names = dict.fromkeys(adbench.entry(stem).dataset for stem in adbench.stems())
        return [_typical(name).stem for name in names]

    def shape(self, dataset: str, tables: TablesConfig) -> tuple[int, int]:
        """Rows and columns; of a file whose rows are not known those of its family, or of the paper's table 8."""
        if dataset not in adbench.stems():
            return super().shape(dataset, tables)
        known = adbench.entry(dataset)
        n_rows = known.n_samples or _typical(known.dataset).n_samples or TABLE_8[known.dataset]
        return n_rows, known.n_features


def _typical(name: str) -> ManifestEntry:
    family = [known for known in map(adbench.entry, adbench.stems()) if known.dataset == name]
    return next((known for known in family if known.n_samples), family[0])
