"""The printed figures, as frames."""

from __future__ import annotations

from importlib.resources import files

import pandas as pd

N_DATASETS = 57
TABLES = {
    1: "Swift Hydra and recent methods",
    4: "Further detectors",
    5: "Networks without over-sampling, and with Swift Hydra's synthesis",
    6: "Networks with VAE-Geometry's over-sampling, and with Swift Hydra's synthesis",
    7: "Training of the mixture of experts",
}
PER_DATASET_TRAIN_SIZE = 0.4
PER_DATASET_METHODS = {
    "DTE": "DTE",
    "Rejex": "Rejex",
    "ADGym": "ADGym",
    "Swift Hydra (MoME)": "SwiftHydra",
}  # the names of table 1, and those of `per_dataset.csv`


def means(table: int) -> pd.DataFrame:
    """Table 1, 4, 5, 6 or 7: `method`, `ours`, `train_size`, `auc_roc`, `tif`; a method may have several of ours."""
    printed = _read("means.csv")
    return printed[printed["table"] == table].drop(columns="table").reset_index(drop=True)


def per_dataset() -> pd.DataFrame:
    """Table 9, a row per data set and method, the latter by table 1's names."""
    names = {short: name for name, short in PER_DATASET_METHODS.items()}
    return _read("per_dataset.csv").replace({"method": names})


def doubts(table: int) -> pd.DataFrame:
    """What is doubtful in a table: `method` and `dataset`, null where it is not of one alone, and what it `says`."""
    found = _read("doubts.csv")
    return found[found["table"] == table].drop(columns="table").reset_index(drop=True)


def _read(name: str) -> pd.DataFrame:
    with files(__package__).joinpath(name).open(encoding="utf-8") as file:
        return pd.read_csv(file)
