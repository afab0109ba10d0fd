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

from swift_hydra_kedro.data.checkpoint import Checkpoint, is_checkpoint, load_checkpoint

URI = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)  # a drive has one letter


def load_model(model: str) -> Checkpoint:
    """Read a model by its checkpoint's folder or as MLflow knows it; see `logged_checkpoint`.

    Raises
    ------
    FileNotFoundError
        If a folder holds no model.
    ValueError
        If MLflow has no such model, or it is none of this package's.
    """
    folder = Path(model)
    if not URI.match(model) and not (folder / "MLmodel").is_file():
        return load_checkpoint(folder)
    with logged_checkpoint(model) as folder:
        if not is_checkpoint(folder):
            raise ValueError(f"{model!r} is not one of this package's models")
        return load_checkpoint(folder)


@contextmanager
def logged_checkpoint(model_uri: str) -> Iterator[Path]:
    """Folder with what `log_model` logged, as long as it is needed.

    `model_uri` is what MLflow calls it (`models:/claims@champion`, `runs:/<id>/model`), or the folder of a download.

    Raises
    ------
    ValueError
        If there is no such model.
    """
    with TemporaryDirectory() as download:
        try:
            folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=model_uri, dst_path=download))
            data = folder / Model.load(folder).flavors["python_function"]["data"]
        except (MlflowException, OSError, KeyError) as error:
            raise ValueError(f"there is no model {model_uri!r}: {error}") from error
        yield data
