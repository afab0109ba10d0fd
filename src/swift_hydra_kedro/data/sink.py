"""Tables written chunk by chunk, of which nothing is seen before all is there."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Protocol

import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from swift_hydra_kedro.data.tabular import CSV_SUFFIXES

UNFINISHED = ".unfinished"
SUFFIXES = (".parquet", *CSV_SUFFIXES)
MOST_DIGITS = 38  # of Arrow's 128-bit decimals


class Write(Protocol):
    """Append rows to a table."""

    def __call__(self, rows: pd.DataFrame) -> None:
        """Append rows, with the same columns as those before."""


def check_suffix(path: str) -> None:
    """Refuse a name that does not say how to write the table.

    Raises
    ------
    ValueError
        If it ends neither in .parquet nor in a suffix of CSV files.
    """
    if not path.lower().endswith(SUFFIXES):
        raise ValueError(f"{path}: the output's name must end in one of {', '.join(SUFFIXES)}")


def beside(path: str, ending: str) -> str:
    """Name of a file that belongs to the table at `path` and lies beside it.

    Examples
    --------
    >>> beside("out/scores.csv.gz", "rejects.csv")
    'out/scores.rejects.csv'
    """
    suffix = max((suffix for suffix in ("", *SUFFIXES) if path.lower().endswith(suffix)), key=len)
    return f"{path[: len(path) - len(suffix)]}.{ending}"


@contextmanager
def open_sink(path: str) -> Iterator[Write]:
    """Write a CSV or Parquet file beside `path`, and put it in its place once all is written.

    If anything fails before, what was at `path` stays; of two that write to it at a time, the last to end counts.
    At least one frame, be it without rows, is to be written.
    """
    check_suffix(path)
    fs, final = fsspec.url_to_fs(path)
    fs.makedirs(fs._parent(final), exist_ok=True)
    unfinished = f"{final}.{uuid.uuid4().hex}{UNFINISHED}"
    if final.lower().endswith(".parquet"):
        writer, compression = _parquet_writer, None
    else:
        writer, compression = _csv_writer, fsspec.utils.infer_compression(final)
    try:
        with fsspec.open(fs.unstrip_protocol(unfinished), "wb", compression=compression) as file, writer(file) as write:
            yield write
        fs.mv(unfinished, final)
    except BaseException:
        if fs.exists(unfinished):
            fs.rm(unfinished)
        raise


def remove(path: str) -> None:
    """Remove a file if there is one."""
    fs, place = fsspec.url_to_fs(path)
    if fs.exists(place):
        fs.rm(place)


@contextmanager
def _parquet_writer(file: IO[bytes]) -> Iterator[Write]:
    writer: Any = None

    def write(rows: pd.DataFrame) -> None:
        nonlocal writer
        if writer is None:
            writer = pyarrow.parquet.ParquetWriter(file, _schema(rows))
        writer.write_table(pa.Table.from_pandas(rows, schema=writer.schema, preserve_index=False))

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()


def _schema(rows: pd.DataFrame) -> pa.Schema:
    """Types that hold later rows, too: text where there is no value yet, and decimals of as many digits as can be."""
    fields = pa.Schema.from_pandas(rows, preserve_index=False)
    return pa.schema([field.with_type(_wide_type(field.type)) for field in fields])


def _wide_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_null(kind):
        return pa.string()
    return pa.decimal128(MOST_DIGITS, kind.scale) if pa.types.is_decimal128(kind) else kind


@contextmanager
def _csv_writer(file: IO[bytes]) -> Iterator[Write]:
    begun = False

    def write(rows: pd.DataFrame) -> None:
        nonlocal begun
        file.write(rows.to_csv(index=False, header=not begun).encode())
        begun = True

    yield write
