"""Kedro data sets of this project."""

from swift_hydra_kedro.datasets.cells import CellStoreDataset
from swift_hydra_kedro.datasets.checkpoint import CheckpointDataset
from swift_hydra_kedro.datasets.metrics import MlflowMetricsDataset
from swift_hydra_kedro.datasets.model import ModelDataset
from swift_hydra_kedro.datasets.raw_tables import RawTablesDataset
from swift_hydra_kedro.datasets.streams import ScoresDataset, TableStreamDataset

__all__ = [
    "CellStoreDataset",
    "CheckpointDataset",
    "MlflowMetricsDataset",
    "ModelDataset",
    "RawTablesDataset",
    "ScoresDataset",
    "TableStreamDataset",
]
