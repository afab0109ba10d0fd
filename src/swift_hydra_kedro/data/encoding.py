"""Number and category columns as blocks of a matrix, and back. Fitted values are plain numbers and text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict
from sklearn.impute import SimpleImputer

from swift_hydra_kedro.data.columns import count_texts, text_codes, to_numbers

Name = str | int
OTHER = "(other)"


class NumericBlock(BaseModel):
    """Numeric columns: missing values become the median, and an indicator column tells where they were.

    Attributes
    ----------
    names
        The columns.
    median
        Median of each in training; 0 for a column without a value there.
    whole
        Whether all values in training were whole numbers.
    flagged
        Columns with missing values in training, which get an indicator.
    """

    model_config = ConfigDict(frozen=True)

    names: tuple[Name, ...]
    median: tuple[float, ...]
    whole: tuple[bool, ...]
    flagged: tuple[Name, ...]

    @classmethod
    def fit(cls, frame: pd.DataFrame, names: Sequence[Name]) -> Self:
        """Learn medians and where values are missing."""
        values = _matrix(frame, names)
        missing = np.isnan(values)
        imputer = SimpleImputer(strategy="median", keep_empty_features=True)
        median = imputer.fit(values).statistics_ if len(names) else np.empty(0)
        return cls(
            names=tuple(names),
            median=tuple(median.tolist()),
            whole=tuple((missing | (values == np.rint(values))).all(axis=0).tolist()),
            flagged=tuple(name for name, any_missing in zip(names, missing.any(axis=0), strict=True) if any_missing),
        )

    @property
    def columns(self) -> list[str]:
        """Names of the encoded columns."""
        return [*map(str, self.names), *(f"{name} is missing" for name in self.flagged)]

    def encode(self, frame: pd.DataFrame) -> np.ndarray:
        """Matrix of shape (N, columns): imputed values, then indicators of 0 and 1."""
        values = _matrix(frame, self.names)
        missing = np.isnan(values)
        flags = missing[:, [self.names.index(name) for name in self.flagged]]
        if missing.any():
            values = np.where(missing, self.median, values)
        return np.hstack([values, flags]) if self.flagged else values

    def decode(self, matrix: np.ndarray) -> dict[Name, np.ndarray]:
        """Values of each column; indicators are dropped, columns of whole numbers rounded."""
        values = np.where(self.whole, np.rint(matrix[:, : len(self.names)]), matrix[:, : len(self.names)])
        return dict(zip(self.names, values.T, strict=True))


class CategoricalColumn(BaseModel):
    """One category column, one-hot: a column per frequent category, one for the others, one for missing values.

    Attributes
    ----------
    name
        The column.
    categories
        Frequent categories in training, sorted.
    other
        Whether rarer ones share a column; categories never seen fall there too, or nowhere.
    missing
        Whether missing values have a column.
    """

    model_config = ConfigDict(frozen=True)

    name: Name
    categories: tuple[str, ...]
    other: bool
    missing: bool

    @classmethod
    def fit(cls, frame: pd.DataFrame, name: Name, max_categories: int) -> Self:
        """Keep the most frequent categories, at most `max_categories` with the shared one."""
        counts = count_texts(frame[name]).sort_index().sort_values(ascending=False, kind="stable")
        other = len(counts) > max_categories
        frequent = counts.index[: max_categories - 1] if other else counts.index
        missing = bool(frame[name].isna().any())
        return cls(name=name, categories=tuple(sorted(frequent)), other=other, missing=missing)

    @property
    def values(self) -> list[str | None]:
        """What each encoded column stands for; None is a missing value."""
        return [*self.categories, *[OTHER] * self.other, *[None] * self.missing]

    @property
    def columns(self) -> list[str]:
        """Names of the encoded columns."""
        return [f"{self.name}={'(missing)' if value is None else value}" for value in self.values]

    def encode(self, frame: pd.DataFrame) -> np.ndarray:
        """Matrix of shape (N, columns) of 0 and 1; a row is all zeros where its value has no column."""
        codes, texts = text_codes(frame[self.name])
        width = len(self.values)
        position = {category: i for i, category in enumerate(self.categories)}
        unseen = len(self.categories) if self.other else width
        positions = [position.get(text, unseen) for text in texts]
        positions.append(width - 1 if self.missing else width)  # for the code -1
        return np.eye(width + 1, width)[np.array(positions)[codes]]  # the last row of eye is all zeros

    def decode(self, matrix: np.ndarray) -> dict[Name, np.ndarray]:
        """Values of the column: each row takes the column of the highest value."""
        return {self.name: np.array(self.values, dtype=object)[matrix.argmax(axis=1)]}


def _matrix(frame: pd.DataFrame, names: Sequence[Name]) -> np.ndarray:
    """Numeric columns as float64 of shape (N, len(names)), NaN where missing."""
    part = frame
    if frame.columns.tolist() != list(names):  # to select takes as long as all else for a single row
        part = frame[list(names)]
    if (part.dtypes == np.float64).all():
        values = part.to_numpy(dtype=np.float64)
    else:
        values = np.column_stack([to_numbers(part[name]) for name in names])
    infinite = np.isinf(values)
    if infinite.any():
        name, count = next((name, int(n)) for name, n in zip(names, infinite.sum(axis=0), strict=True) if n)
        raise ValueError(f"column {name!r} is infinite in {count} of {len(frame)} rows; replace these values")
    return values
