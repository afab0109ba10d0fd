"""Tables of any size, read chunk by chunk: CSV, Parquet, and folders of Parquet files, wherever fsspec can look."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset

from swift_hydra_kedro.data.tabular import BROKEN, CSV_SUFFIXES

LONGEST_QUOTE = 100
MOST_BROKEN = 10_000  # lines at a stretch
UNREADABLE = (*BROKEN, pa.ArrowException, UnicodeDecodeError, pd.errors.EmptyDataError)
# fmt: off
WITH_GAPS = {  # integers of a batch in which some are missing: as floats, large ones would be rounded
    pa.int8(): pd.Int8Dtype(), pa.int16(): pd.Int16Dtype(), pa.int32(): pd.Int32Dtype(), pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(), pa.uint16(): pd.UInt16Dtype(), pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
}
MISSING = [  # what `pandas.read_csv` takes for a missing value, as it reads training tables
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
]
# fmt: on


class Chunk(NamedTuple):
    """Some rows of a table: the number of the first, the rows, and lines between them that are none, as messages."""

    start: int
    rows: pd.DataFrame
    broken: list[str]


@dataclass(frozen=True)
class TableStream:
    """A table at `path`, of which nothing is read before it is asked for.

    Raises
    ------
    FileNotFoundError
        If there is nothing there.
    ValueError
        If the name's suffix is not known, or the content is not what the suffix says.
    """

    path: str

    @property
    def is_csv(self) -> bool:
        """Whether the table is a CSV file; otherwise it is Parquet."""
        return self.path.lower().endswith(CSV_SUFFIXES)

    def exists(self) -> bool:
        """Whether there is something at `path`."""
        fs, path = fsspec.url_to_fs(self.path)
        return bool(fs.exists(path))

    @cached_property
    def columns(self) -> list[str]:
        """Names of the columns, of a folder those of its first file."""
        return next(iter(self.columns_of_files.values()))

    @cached_property
    def columns_of_files(self) -> dict[str, list[str]]:
        """Names of the columns by file, of which a folder has several."""
        self._check()
        if self.is_csv:
            return {self.path: self._csv_header()}
        folders = set(self._parquet.schema.names) - set(self._own_schemas[self._parquet.files[0]].names)
        return {file: [*schema.names, *sorted(folders)] for file, schema in self._own_schemas.items()}

    @property
    def n_rows(self) -> int | None:
        """Number of rows where it costs nothing to know it."""
        return None if self.is_csv else self._parquet.count_rows()

    def chunks(self, columns: Sequence[str], n_rows: int, n_bytes: int) -> Iterator[Chunk]:
        """Read some of the columns.

        Parameters
        ----------
        columns
            Names of columns that are there. Those of a CSV file come as text.
        n_rows
            Most rows in a chunk of a Parquet file.
        n_bytes
            About the bytes in a chunk of a CSV file.
        """
        self._check()
        start = 0
        broken: deque[str] = deque()  # read ahead, by another thread
        batches = self._csv_batches(columns, n_bytes, broken) if self.is_csv else self._parquet_batches(columns, n_rows)
        try:
            for batch in batches:
                yield Chunk(start, _to_pandas(batch), _taken_from(broken))
                start += len(batch)
        except UNREADABLE as error:
            raise ValueError(f"cannot read {self.path}, after {start} rows: {error}") from error
        if broken:  # behind the last row
            yield Chunk(start, pd.DataFrame(columns=list(columns), dtype=object), _taken_from(broken))

    def _check(self) -> None:
        if not self.exists():
            raise FileNotFoundError(f"there is no file or folder {self.path}")
        fs, path = fsspec.url_to_fs(self.path)
        if not self.is_csv and not self.path.lower().endswith(".parquet") and not fs.isdir(path):
            raise ValueError(
                f"{self.path}: the name must end in .parquet or one of {', '.join(CSV_SUFFIXES)}, "
                "or be that of a folder of Parquet files"
            )

    @cached_property
    def _parquet(self) -> pyarrow.dataset.Dataset:
        found = self._dataset()
        if not found.files:
            raise ValueError(f"{self.path}: there are no Parquet files in this folder")
        return found

    def _dataset(self, schema: pa.Schema | None = None) -> pyarrow.dataset.Dataset:
        fs, path = fsspec.url_to_fs(self.path)
        try:
            return pyarrow.dataset.dataset(path, schema, "parquet", fs, partitioning="hive")
        except UNREADABLE as error:
            raise ValueError(f"cannot read {self.path}: {error}") from error

    @cached_property
    def _own_schemas(self) -> dict[str, pa.Schema]:
        """What each Parquet file says of itself; pyarrow takes the first file's word for all."""
        try:
            return {fragment.path: fragment.physical_schema for fragment in self._parquet.get_fragments()}
        except UNREADABLE as error:
            raise ValueError(f"cannot read {self.path}: {error}") from error

    @cached_property
    def _schema_of_all(self) -> pa.Schema:
        """Types that hold what all files have: one may have whole numbers where another has fractions."""
        schemas = self._parquet.schema, *self._own_schemas.values()
        try:
            return pa.unify_schemas(schemas, promote_options="permissive")
        except pa.ArrowException as error:
            raise ValueError(f"{self.path}: its files hold different things: {error}") from error

    def _parquet_batches(self, columns: Sequence[str], n_rows: int) -> Iterator[pa.RecordBatch]:
        """One file and one batch ahead at most: what is read ahead fills memory."""
        options = pyarrow.dataset.ParquetFragmentScanOptions(pre_buffer=False, use_buffered_stream=True)
        yield from self._dataset(self._schema_of_all).to_batches(
            columns=list(columns),
            batch_size=n_rows,
            batch_readahead=1,
            fragment_readahead=1,
            fragment_scan_options=options,
        )

    def _csv_header(self) -> list[str]:
        try:
            header = pd.read_csv(self.path, header=None, nrows=1, dtype=str, keep_default_na=False)
        except UNREADABLE as error:
            raise ValueError(f"cannot read {self.path}: {error}") from error
        return header.iloc[0].tolist()

    def _csv_batches(self, columns: Sequence[str], n_bytes: int, broken: deque[str]) -> Iterator[pa.RecordBatch]:
        """As text: what a column holds is known from training, and guessing it from the first chunk would go wrong."""

        def skip(row: pyarrow.csv.InvalidRow) -> str:
            quote = row.text if len(row.text) <= LONGEST_QUOTE else f"{row.text[:LONGEST_QUOTE]}..."
            broken.append(f"{row.actual_columns} fields, where the header has {row.expected_columns}: {quote!r}")
            return "skip" if len(broken) < MOST_BROKEN else "error"

        with fsspec.open(self.path, "rb", compression="infer") as file:
            yield from pyarrow.csv.open_csv(
                file,
                pyarrow.csv.ReadOptions(block_size=n_bytes),
                pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=skip),
                pyarrow.csv.ConvertOptions(
                    column_types=dict.fromkeys(columns, pa.string()),
                    include_columns=list(columns),
                    null_values=MISSING,
                    strings_can_be_null=True,
                ),
            )


def _to_pandas(batch: pa.RecordBatch) -> pd.DataFrame:
    """Rows in pandas' usual types, unless integers are missing."""
    with_gaps = any(column.null_count and pa.types.is_integer(column.type) for column in batch.columns)
    return batch.to_pandas(types_mapper=WITH_GAPS.get if with_gaps else None)


def _taken_from(messages: deque[str]) -> list[str]:
    """All messages so far, which are then no longer there; others may come at any time."""
    return [messages.popleft() for _ in range(len(messages))]
