"""A model on disk without pickle: arrays in safetensors, everything else in JSON."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

NAME_LENGTH = 12
TENSORS, STATE = "tensors.safetensors", "state.json"


@dataclass(frozen=True)
class Checkpoint:
    """What it takes to rebuild a model.

    Attributes
    ----------
    tensors
        Arrays by name, of any shape.
    state
        Whatever JSON can hold.
    """

    tensors: dict[str, np.ndarray] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write the folder `path`; an older checkpoint there stays until the new one is complete.

    Raises
    ------
    ValueError
        If the state holds NaN or infinity, which JSON has no word for.
    TypeError
        If the state holds something else that JSON cannot.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as scratch:
        new = Path(scratch) / "new"
        new.mkdir()
        # safetensors copies memory as it lies, so a transposed view would come back scrambled
        save_file({name: np.asarray(a, order="C") for name, a in checkpoint.tensors.items()}, new / TENSORS)
        text = json.dumps(checkpoint.state, indent=2, allow_nan=False)
        (new / STATE).write_text(text, encoding="utf-8")
        old = Path(scratch) / "old"
        if path.exists():
            path.rename(old)
        try:
            new.rename(path)
        except BaseException:
            if old.exists():
                old.rename(path)
            raise


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a folder that `save_checkpoint` wrote.

    Raises
    ------
    FileNotFoundError
        If one of its two files is missing.
    """
    if not is_checkpoint(path):
        raise FileNotFoundError(
            f"there is no model in {path}, which would hold {TENSORS} and {STATE}: train it first, or check dataset, "
            "train_size and seed, by which its folder is named"
        )
    state = json.loads((path / STATE).read_text(encoding="utf-8"))
    return Checkpoint(load_file(path / TENSORS), state)


def is_checkpoint(path: Path) -> bool:
    """Whether the folder holds both files of a checkpoint."""
    return (path / TENSORS).is_file() and (path / STATE).is_file()


def name_of(model: Checkpoint) -> str:
    """The package's version and a digest of all that the model is."""
    digest = hashlib.sha256(json.dumps(model.state, sort_keys=True).encode())
    for name, array in sorted(model.tensors.items()):
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return f"{model.state['version']}+{digest.hexdigest()[:NAME_LENGTH]}"
