"""What a logged model holds beside the model itself, so that training can go on from it."""

from __future__ import annotations

from pathlib import Path

from swift_hydra_kedro.data.checkpoint import Checkpoint, is_checkpoint, load_checkpoint, name_of
from swift_hydra_kedro.scorer import Scorer, mixture_tensors
from swift_hydra_kedro.serving.logged_model import logged_checkpoint

TRAINING = "training"


def load_training(model_uri: str) -> Checkpoint:
    """Read a logged model and what its training left.

    Parameters
    ----------
    model_uri : see `logged_checkpoint`

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
    try:
        with logged_checkpoint(model_uri) as folder:
            return _read(folder, model_uri)
    except ValueError as error:
        raise ValueError(f"warm_start: {error}") from error


def _read(folder: Path, model_uri: str) -> Checkpoint:
    if not is_checkpoint(folder / TRAINING):
        raise ValueError(f"{model_uri!r} holds nothing to go on from: an older version logged it")
    model, training = load_checkpoint(folder), load_checkpoint(folder / TRAINING)
    Scorer.from_checkpoint(model)  # refuses what this version cannot read
    mixture = {f"mixture.{name}": tensor for name, tensor in mixture_tensors(model).items()}
    state = {name: model.state[name] for name in ("mixture", "preprocessor")} | {"name": name_of(model)}
    return Checkpoint(training.tensors | mixture, training.state | state)
