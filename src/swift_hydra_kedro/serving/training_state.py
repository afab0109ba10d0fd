"""What a logged model holds beside the model itself, so that training can go on from it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models import Model

from swift_hydra_kedro.data.checkpoint import Checkpoint, is_checkpoint, load_checkpoint, name_of
from swift_hydra_kedro.scorer import Scorer, mixture_tensors

TRAINING = "training"


def load_training(model_uri: str) -> Checkpoint:
    """Read a logged model and what its training left.

    Parameters
    ----------
    model_uri : what MLflow calls it (`models:/claims@champion`, `runs:/<id>/model`), or the folder of a download

    Returns
    -------
    Checkpoint
        The tensors and the state that were logged as `training`; `mixture` and `preprocessor` of the model, and its
        `name`.

    Raises
    ------
    ValueError
        If there is no such model, it is none of this package's, or it holds nothing to go on from.
    """
    with TemporaryDirectory() as download:
        try:
            folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=model_uri, dst_path=download))
            data = folder / Model.load(folder).flavors["python_function"]["data"]
        except (MlflowException, OSError, KeyError) as error:
            raise ValueError(f"warm_start: there is no model {model_uri!r}: {error}") from error
        return _read(data, model_uri)


def _read(data: Path, model_uri: str) -> Checkpoint:
    if not is_checkpoint(data) or not is_checkpoint(data / TRAINING):
        raise ValueError(
            f"warm_start: {model_uri!r} holds nothing to go on from: it is not one of this package's models, or one "
            "of an older version"
        )
    model, training = load_checkpoint(data), load_checkpoint(data / TRAINING)
    Scorer.from_checkpoint(model)  # refuses what this version cannot read
    mixture = {f"mixture.{name}": tensor for name, tensor in mixture_tensors(model).items()}
    state = {name: model.state[name] for name in ("mixture", "preprocessor")} | {"name": name_of(model)}
    return Checkpoint(training.tensors | mixture, training.state | state)
