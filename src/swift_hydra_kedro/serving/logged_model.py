"""Models that MLflow keeps, read as checkpoints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.models.model import MLMODEL_FILE_NAME as MLMODEL

from swift_hydra_kedro.data.checkpoint import Checkpoint, is_checkpoint, load_checkpoint
from swift_hydra_kedro.data.tabular import place_of

URI = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)  # a drive has one letter


def load_model(model: str, project: Path) -> Checkpoint:
    """Read a model by its checkpoint's folder, which may start at `project`, or as MLflow knows it.

    Raises
    ------
    ValueError
        If there is no such model, or it is none of this package's.
    """
    if not URI.match(model):
        folder = Path(place_of(model, project))
        if is_checkpoint(folder):
            return load_checkpoint(folder)
        if not (folder / MLMODEL).is_file():  # MLflow would copy the folder to see
            raise ValueError(f"there is no model {model!r}: no folder of one, nor a name that MLflow gives one")
        model = str(folder)
    with logged_checkpoint(model) as folder:
        return load_checkpoint(folder)


@contextmanager
def logged_checkpoint(model_uri: str) -> Iterator[Path]:
    """Folder with what `log_model` logged, as long as it is needed.

    `model_uri` is what MLflow calls it (`models:/claims@champion`, `runs:/<id>/model`), or the folder of a download.

    Raises
    ------
    ValueError
        If there is no such model, or it is none of this package's.
    """
    with TemporaryDirectory() as download:
        try:
            folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=model_uri, dst_path=download))
            data = Model.load(folder).flavors.get("python_function", {}).get("data")
        except (MlflowException, OSError, ValueError) as error:
            raise ValueError(f"there is no model {model_uri!r}: {error}") from error
        if data is None or not is_checkpoint(folder / data):
            raise ValueError(f"{model_uri!r} is not one of this package's models")
        yield folder / data
