"""A table with labels: what every source gives and every stage takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from swift_hydra_kedro.data.columns import reject_repeated

LABEL = "__label__"
ID_PREFIX = "__id__"


@dataclass(frozen=True)
class LabelledTable:
    """Features, labels and the columns that name a row, of N rows each with one common index.

    Attributes
    ----------
    features
        Frame of shape (N, P) in the source's units: float64 columns, and text columns for categories.
    label
        int8 series of shape (N,); 1 is an anomaly.
    row_id
        Frame of the id columns, or None where the source has none.

    Raises
    ------
    ValueError
        If lengths differ, a column name occurs twice, or one begins with a reserved name.
    """

    features: pd.DataFrame
    label: pd.Series
    row_id: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        lengths = {len(part) for part in (self.features, self.label, self.row_id) if part is not None}
        if len(lengths) > 1:
            raise ValueError(f"features, label and row_id differ in length: {sorted(lengths)}")
        reject_repeated(self.features.columns)
        reserved = [name for name in self.features.columns if str(name).startswith((LABEL, ID_PREFIX))]
        if reserved:
            raise ValueError(f"column names may not begin with {LABEL} or {ID_PREFIX}; rename {reserved}")

    def __len__(self) -> int:
        return len(self.label)

    def take(self, rows: np.ndarray) -> LabelledTable:
        """Rows by position, in the order given; the index keeps each row's place in the source."""
        row_id = None if self.row_id is None else self.row_id.iloc[rows]
        return LabelledTable(self.features.iloc[rows], self.label.iloc[rows], row_id)

    def beside(self, name: str) -> pd.Series:
        """Column of `row_id`.

        Raises
        ------
        ValueError
            If it is not there.
        """
        if self.row_id is None or name not in self.row_id.columns:
            raise ValueError(f"the table was read without its column {name!r}: run the ingestion again")
        return self.row_id[name]

    def to_frame(self) -> pd.DataFrame:
        """One frame for one Parquet file: `__label__`, then `__id__<name>` columns, then the features."""
        parts: list[pd.DataFrame | pd.Series] = [self.label.rename(LABEL), self.features]
        if self.row_id is not None:
            parts.insert(1, self.row_id.add_prefix(ID_PREFIX))
        return pd.concat(parts, axis=1)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> LabelledTable:
        """Rebuild a table from what `to_frame` gave.

        Raises
        ------
        ValueError
            If the label column is missing.
        """
        if LABEL not in frame.columns:
            raise ValueError(f"no column {LABEL}: this frame was not written by LabelledTable.to_frame")
        ids = [name for name in frame.columns if str(name).startswith(ID_PREFIX)]
        row_id = frame[ids].rename(columns=lambda name: name.removeprefix(ID_PREFIX)) if ids else None
        return cls(frame.drop(columns=[LABEL, *ids]), frame[LABEL].astype(np.int8).rename("label"), row_id)


def from_arrays(X: np.ndarray, y: np.ndarray) -> LabelledTable:
    """Wrap arrays `X (N, P)` of numbers and `y (N,)` of 0 and 1 as a table.

    Raises
    ------
    ValueError
        If `y` holds anything but 0 and 1.
    """
    if not np.isin(y, (0, 1)).all():
        raise ValueError(f"labels must be 0 and 1, found {np.unique(y)[:5].tolist()}")
    return LabelledTable(feature_frame(X), pd.Series(y, name="label").astype(np.int8))


def feature_frame(X: np.ndarray) -> pd.DataFrame:
    """Frame of float64 columns `f0, f1, ...`, padded with zeros so that they sort in their order."""
    width = len(str(max(X.shape[1] - 1, 0)))
    names = [f"f{i:0{width}d}" for i in range(X.shape[1])]
    return pd.DataFrame(np.asarray(X, dtype=np.float64), columns=names)
