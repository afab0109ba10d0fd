"""The MLflow model, loaded from this file: no pickle is involved (MLflow's models from code)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext

from swift_hydra_kedro.data.checkpoint import load_checkpoint
from swift_hydra_kedro.scorer import Scorer


class SwiftHydraModel(PythonModel):
    """Rows in, `score` and `is_anomaly` out."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the checkpoint folder."""
        self.scorer = Scorer.from_checkpoint(load_checkpoint(Path(context.artifacts["checkpoint"])))

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Score rows in the training table's columns and units."""
        return self.scorer.decide(model_input)


set_model(SwiftHydraModel())
