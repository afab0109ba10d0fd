"""The MLflow model: MLflow calls `_load_pyfunc` with the folder that holds the checkpoint, and nothing is unpickled."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

from swift_hydra_kedro.data.admission import admit
from swift_hydra_kedro.data.checkpoint import load_checkpoint
from swift_hydra_kedro.scorer import Scorer

MAX_ROWS = 100_000
MOST_REASONS = 5


class InvalidRowsError(MlflowException, ValueError):
    """Rows that cannot be scored; a server answers 400 with the message."""

    def __init__(self, message: str) -> None:
        super().__init__(message, error_code=INVALID_PARAMETER_VALUE)


class SwiftHydraModel:
    """Rows in, `score` and `is_anomaly` out."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer

    def predict(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Score rows in the training table's columns and units, all or none of them.

        Raises
        ------
        InvalidRowsError
            If there are more than `MAX_ROWS`, columns are missing, or a row cannot be scored.
        """
        if len(rows) > MAX_ROWS:
            raise InvalidRowsError(
                f"{len(rows)} rows at once; at most {MAX_ROWS} are taken, the scoring pipeline takes any"
            )
        try:
            self.scorer.preprocessor.check_columns(rows)
            features, reason = admit(rows, self.scorer.preprocessor)
        except ValueError as error:
            raise InvalidRowsError(str(error)) from error
        refused = [f"row {number}: {why}" for number, why in enumerate(reason) if why]
        if refused:
            raise InvalidRowsError(
                f"{len(refused)} of {len(rows)} rows cannot be scored; {'; '.join(refused[:MOST_REASONS])}"
            )
        return self.scorer.decide(features)


def _load_pyfunc(path: str) -> SwiftHydraModel:
    """Read the checkpoint; the name is MLflow's."""
    return SwiftHydraModel(Scorer.from_checkpoint(load_checkpoint(Path(path))))
