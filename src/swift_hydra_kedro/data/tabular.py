"""Reading a user's own table: CSV, Parquet or npz with a label column."""

from __future__ import annotations

import logging
import lzma
import warnings
import zlib
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from swift_hydra_kedro.config import TableConfig
from swift_hydra_kedro.data.columns import (
    is_numeric,
    looks_like_ids,
    reject_dates,
    reject_misread_numbers,
    reject_repeated,
    to_numbers,
    to_text,
    to_times,
)
from swift_hydra_kedro.data.npz import read_npz
from swift_hydra_kedro.data.table import LabelledTable, feature_frame

logger = logging.getLogger(__name__)
BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError)  # what reading a damaged or unreachable file raises
CSV_SUFFIXES = (".csv", ".csv.gz", ".csv.bz2", ".csv.xz", ".csv.zip")


def read_table(config: TableConfig, project: Path) -> LabelledTable:
    """Read a table and split its columns into features, label and row ids.

    Parameters
    ----------
    config
        Where the table is and what its columns mean.
    project
        Folder at which a relative path starts.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file cannot be read, lacks a column, or its labels are not two values one of which
        is `positive_label`; says the file, the column and the number of rows.
    """
    path = locate(config.path, project)
    frame = read_frame(path, config.label)
    try:
        return _labelled(frame, config)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def locate(path: str, project: Path) -> str:
    """Absolute path or URL of a file whose relative path starts at `project`.

    Raises
    ------
    FileNotFoundError
        If it is no URL and the file is not there.
    """
    place = place_of(path, project)
    if "://" not in path and not Path(place).is_file():
        if Path(place).is_dir():
            raise FileNotFoundError(f"{place} is a folder: `path` is to name one file; join the files first")
        raise FileNotFoundError(f"there is no file {place}; a relative `path` starts at the project folder {project}")
    return place


def place_of(path: str, project: Path) -> str:
    """Absolute path or URL, whether or not there is anything; a relative path starts at `project`."""
    return path if "://" in path else str(project / Path(path).expanduser())


def read_frame(path: str, label: str = "y") -> pd.DataFrame:
    """Read all columns of a CSV, Parquet or npz file (array `X` and, if it is there, array `label`).

    Raises
    ------
    ValueError
        If the suffix is another, the file cannot be parsed, or a column has no name or another's name.
    """
    name = path.lower()
    if not name.endswith((*CSV_SUFFIXES, ".parquet", ".npz")):
        raise ValueError(f"{path}: the file's name must end in .parquet, .npz or one of {', '.join(CSV_SUFFIXES)}")
    try:
        if name.endswith(".npz"):
            X, y = read_npz(path, label)
            return pd.concat([feature_frame(X), pd.Series(y, name=label)], axis=1)
        return _read_parquet(path) if name.endswith(".parquet") else _read_csv(path)
    except UnicodeDecodeError as error:
        raise ValueError(f"cannot read {path}: {error}; save it as UTF-8") from error
    except (ValueError, *BROKEN) as error:
        raise ValueError(f"cannot read {path}: {error or type(error).__name__}") from error


def _read_csv(path: str) -> pd.DataFrame:
    """Read a CSV whose header has no gaps or repeats, which pandas would fill in silently."""
    header = pd.read_csv(path, header=None, nrows=1, dtype=object, keep_default_na=False, na_values="").iloc[0]
    if len(header) == 1 and (separator := next((mark for mark in ";\t|" if mark in str(header[0])), None)):
        raise ValueError(
            f"its header is one column, {str(header[0])[:60]!r}, with {separator!r} in it: save it with commas between "
            "columns and points in numbers, for instance by pandas: read_csv(..., sep=..., decimal=...).to_csv(...)"
        )
    if header.isna().any():
        position = int(header.isna().to_numpy().argmax()) + 1
        raise ValueError(
            f"column {position} has no name in the header; if it is a saved row number it could give the label away: "
            "remove it, or name it and list it in id_columns"
        )
    reject_repeated(pd.Index(header))
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            return pd.read_csv(path, index_col=False, low_memory=False)
        except pd.errors.ParserWarning as error:
            raise ValueError(
                "its rows have more fields than the header has names: a comma within a field, or as decimal mark?"
            ) from error


def _read_parquet(path: str) -> pd.DataFrame:
    """Read a Parquet file; an index saved under a name is a column as any other."""
    frame = pd.read_parquet(path)
    return frame if frame.index.names == [None] else frame.reset_index()


def as_features(frame: pd.DataFrame, categorical: Collection[str] = ()) -> pd.DataFrame:
    """Bring the feature columns of a training table to one of two types: float64, or text for categories.

    Parameters
    ----------
    frame
        Raw columns of shape (N, P).
    categorical
        Columns that become text although they hold numbers.

    Raises
    ------
    ValueError
        If a column holds dates, durations, complex numbers, or text where it seems to hold numbers.
    """
    columns = {}
    for name, column in frame.items():
        if name in categorical:
            columns[name] = to_text(column)
            continue
        reject_dates(column)
        reject_misread_numbers(column)
        if is_numeric(column):
            columns[name] = pd.Series(to_numbers(column), index=frame.index)
            continue
        columns[name] = to_text(column)
        if looks_like_ids(column):
            logger.warning(
                "column %r is text of which most rows have their own, %d in %d rows: a category that hardly tells "
                "anything. If it names rows, list it in id_columns",
                *(name, column.nunique(), len(column)),
            )
    return pd.DataFrame(columns, index=frame.index)


def _labelled(frame: pd.DataFrame, config: TableConfig) -> LabelledTable:
    frame = frame.reset_index(drop=True).set_axis(frame.columns.map(str), axis=1)
    beside = list(config.row_columns)
    _check_columns(frame, config)
    if config.time_column is not None:
        to_times(frame[config.time_column])  # refuses what cannot be ordered
    label = _binary_label(frame[config.label], config.positive_label)
    features = as_features(frame.drop(columns=[config.label, *beside]), config.categorical_columns)
    return LabelledTable(features, label, frame[beside].apply(_storable) if beside else None)


def _storable(column: pd.Series) -> pd.Series:
    """A column that Parquet can hold: whole numbers beyond 64 bits are text there."""
    huge = column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "integer"
    return to_text(column) if huge else column


def _check_columns(frame: pd.DataFrame, config: TableConfig) -> None:
    reject_repeated(frame.columns)
    roles = {
        "label": (config.label,),
        "id_columns": config.id_columns,
        "time_column": () if config.time_column is None else (config.time_column,),
        "categorical_columns": config.categorical_columns,
    }
    for role, names in roles.items():
        missing = [name for name in names if name not in frame.columns]
        if missing:
            raise ValueError(f"{role} names {missing}, but the columns are {_some(frame.columns)}")
    for role in roles.keys() - {"label"}:
        if config.label in roles[role]:
            raise ValueError(f"{role} names the label {config.label!r}")
    for role in ("id_columns", "time_column"):
        if both := set(roles[role]) & set(config.categorical_columns):
            raise ValueError(f"{role} and categorical_columns both name {sorted(both)}")


def _binary_label(column: pd.Series, positive: str | int | float | bool) -> pd.Series:
    n_missing = int(column.isna().sum())
    if n_missing:
        raise ValueError(
            f"label column {column.name!r} is missing in {n_missing} of {len(column)} rows; "
            "fill in or remove these rows, unlabelled rows cannot be used for training"
        )
    codes, values = pd.factorize(column)
    names = np.array([_canonical(value) for value in values], dtype=object)
    found = sorted(set(names))
    if len(found) != 2:
        raise ValueError(
            f"label column {column.name!r} must hold exactly two values but has {len(found)} in {len(column)} rows: "
            f"{_some(values)}"
        )
    if _canonical(positive) not in found:
        raise ValueError(
            f"positive_label {positive!r} does not occur in label column {column.name!r}, which holds {_some(values)}"
        )
    return pd.Series((names == _canonical(positive))[codes].astype(np.int8), index=column.index, name="label")


def _canonical(value: object) -> str:
    """One spelling for values that people mean to be equal: 1, 1.0, "1" and True."""
    text = str(value).strip()
    text = {"true": "1", "false": "0"}.get(text.lower(), text)
    try:
        return repr(float(text))
    except ValueError:
        return text


def _some(values: Collection[object], limit: int = 10) -> str:
    shown = ", ".join(repr(str(value)) for value in list(values)[:limit])
    return shown + (f" and {len(values) - limit} more" if len(values) > limit else "")
