"""Reading `.npz` files without unpickling anything."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path

import fsspec
import numpy as np


def read_npz(path: str | Path, label: str = "y") -> tuple[np.ndarray, np.ndarray]:
    """Read features `X` and the label array from an npz file.

    Parameters
    ----------
    path
        File path or fsspec URL.
    label
        Name of the label array.

    Returns
    -------
    X : ndarray of shape (N, P)
        In the file's own dtype.
    y : ndarray of shape (N,)
        In the file's own dtype.

    Raises
    ------
    ValueError
        If the file is no npz file, lacks an array, holds Python objects (nothing is unpickled),
        or the shapes do not fit.
    """
    with fsspec.open(str(path), "rb") as file:
        content = io.BytesIO(file.read())  # zip needs to seek, which a stream over HTTP cannot
    if not zipfile.is_zipfile(content):
        raise ValueError(f"{path} is no npz file, or only part of one")
    with np.load(content, allow_pickle=False) as arrays:
        X, y = (_array(arrays, name, path) for name in ("X", label))
    if X.ndim != 2 or y.shape != X.shape[:1]:
        raise ValueError(f"{path}: X has shape {X.shape} and {label} {y.shape}; they must be (N, P) and (N,)")
    return X, y


def _array(arrays: np.lib.npyio.NpzFile, name: str, path: str | Path) -> np.ndarray:
    if name not in arrays.files:
        raise ValueError(f"{path} has no array {name!r}; it holds {sorted(arrays.files)}")
    try:
        return arrays[name]
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{path}: array {name!r} is damaged ({error}); get the file again") from error
    except ValueError as error:
        raise ValueError(
            f"{path}: array {name!r} was not unpickled, because a pickle can run any code; "
            f"save it again as numbers or fixed-width text ({error})"
        ) from error
