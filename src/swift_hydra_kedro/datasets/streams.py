"""Tables of any size in Kedro's catalog: those to be scored, and their scores."""

from __future__ import annotations

from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from swift_hydra_kedro.data.stream import TableStream
from swift_hydra_kedro.scoring.table import Scoring, write_scores


class TableStreamDataset(AbstractDataset[NoReturn, TableStream]):
    """Loads a `TableStream` of a CSV or Parquet file or a folder of Parquet files; nothing is read yet.

    Examples
    --------
    .. code-block:: yaml

        new_rows:
          type: swift_hydra_kedro.datasets.TableStreamDataset
          filepath: s3://claims/2026-11-25/
    """

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = filepath
        self.metadata = metadata

    def load(self) -> TableStream:
        """Give the table's reader."""
        return TableStream(self._filepath)

    def save(self, data: NoReturn) -> None:
        """Refuse: what is to be scored is never written by a pipeline."""
        raise DatasetError("rows to be scored are not saved; write to another catalog entry")

    def _exists(self) -> bool:
        return TableStream(self._filepath).exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}


class ScoresDataset(TableStreamDataset):
    """Saves a `Scoring`, which is when rows are scored, to a CSV or Parquet file; loads the scores as a stream.

    Examples
    --------
    .. code-block:: yaml

        scores_of_new_rows:
          type: swift_hydra_kedro.datasets.ScoresDataset
          filepath: data/07_model_output/scores.parquet
    """

    def save(self, data: Scoring) -> None:
        """Score the rows and write the scores; see `write_scores`."""
        write_scores(data, self._filepath, progress=True)
