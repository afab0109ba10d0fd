"""Logging of the fitted model to the active MLflow run."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, Schema
from mlflow.types.schema import AnyType

from swift_hydra_kedro import __version__
from swift_hydra_kedro.data.checkpoint import Checkpoint, save_checkpoint
from swift_hydra_kedro.scorer import Scorer
from swift_hydra_kedro.serving import mlflow_model
from swift_hydra_kedro.serving.training_state import TRAINING

CARD = "model_card.md"


def log_model(
    model: Checkpoint, card: str, example: pd.DataFrame, training: Checkpoint | None = None
) -> dict[str, Any]:
    """Log `model` with signature and input example; return where it went.

    What is logged holds data only; the code that loads it is this package's.

    Parameters
    ----------
    model : what `Scorer.to_checkpoint` gave
    card : what there is to know of it, in Markdown
    example : a few rows of features in the table's units
    training : what it takes to go on from the model; without it, that cannot be done
    """
    scorer = Scorer.from_checkpoint(model)
    # Any value passes MLflow's own check, which takes no whole number for a float and no gap for either: Scorer checks
    inputs = Schema([ColSpec(AnyType(), str(name), required=False) for name in scorer.preprocessor.columns])
    signature = ModelSignature(inputs, infer_signature(None, scorer.decide(example)).outputs)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint"
        save_checkpoint(path, model)
        if training is not None:
            save_checkpoint(path / TRAINING, training)
        (path / CARD).write_text(card, encoding="utf-8")
        info = mlflow.pyfunc.log_model(
            name="model",
            loader_module=mlflow_model.__name__,
            data_path=str(path),
            signature=signature,
            input_example=example,
            pip_requirements=[f"swift_hydra_kedro=={__version__}"],
        )
    return {"model_uri": info.model_uri, "run_id": info.run_id}
