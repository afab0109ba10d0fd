"""Which rows of a table can be scored, and why the others cannot."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas.api import types

from swift_hydra_kedro.data.columns import has_date_type, is_numeric, numbers_in, text_of, to_numbers
from swift_hydra_kedro.data.encoding import CategoricalColumn
from swift_hydra_kedro.data.preprocessing import TablePreprocessor

TRUTH = {"true": 1.0, "false": 0.0}


class Admission(NamedTuple):
    """Columns as in training, of all rows `(N, P_source)`, and for each row the reason to refuse it, or "", `(N,)`."""

    features: pd.DataFrame
    reason: np.ndarray


def admit(rows: pd.DataFrame, preprocessor: TablePreprocessor) -> Admission:
    """Bring the columns of new rows to the types of training; what is text there may stand for numbers.

    A missing value is no reason to refuse a row, nor is a category that training did not have: both are encoded as
    `TablePreprocessor` describes.

    Raises
    ------
    ValueError
        If a column of numbers is of a type for dates. Dates as text are reasons to refuse rows.
    """
    reason = np.full(len(rows), "", dtype=object)
    numbers = rows[list(preprocessor.numeric.names)]
    if not preprocessor.categorical and _are_plain(numbers):  # column by column takes longer than to score a few rows
        return Admission(numbers, reason)
    read = {name: _numbers(column) for name, column in numbers.items()}
    read |= {category.name: _categories(rows[category.name], category) for category in preprocessor.categorical}
    for name, (_, wrong) in read.items():
        for row, why in wrong.items():
            reason[row] = reason[row] or f"column {name!r} {why}"
    return Admission(pd.DataFrame({name: read[name][0] for name in preprocessor.columns}, index=rows.index), reason)


def _are_plain(numbers: pd.DataFrame) -> bool:
    plain = all(isinstance(dtype, np.dtype) and dtype.kind in "fiub" for dtype in numbers.dtypes)
    return plain and not np.isinf(numbers.to_numpy(np.float64)).any()


def _numbers(column: pd.Series) -> tuple[pd.Series, dict[int, str]]:
    """Float64 values, and what is wrong with some, by position."""
    wrong: dict[int, str] = {}
    if is_numeric(column):
        values = to_numbers(column)
    else:
        if has_date_type(column):
            raise ValueError(f"column {column.name!r} holds dates or durations, and held numbers in training")
        values = numbers_in(column).to_numpy(copy=True)
        unread = np.isnan(values) & column.notna().to_numpy()
        if unread.any():
            values[unread] = column[unread].astype(str).str.strip().str.lower().map(TRUTH)
            unread &= np.isnan(values)
            texts = zip(np.flatnonzero(unread).tolist(), column[unread], strict=True)
            wrong = {row: f"must be a number and is {text!r}" for row, text in texts}
    wrong |= dict.fromkeys(np.flatnonzero(np.isinf(values)).tolist(), "is infinite")
    return pd.Series(values, index=column.index), wrong


def _categories(column: pd.Series, category: CategoricalColumn) -> tuple[pd.Series, dict[int, str]]:
    """Texts as the known categories that they stand for, and what is wrong with others, by position.

    JSON and Parquet may hold lists and objects.
    """
    if is_numeric(column):
        return column, {}
    nested = column.map(types.is_list_like)
    wrong = {row: f"must be one value and is {column.iloc[row]!r}" for row in np.flatnonzero(nested).tolist()}
    codes, texts = pd.factorize(column.astype(object).mask(nested))
    known = set(category.categories)
    spelt = [_spelt_as(known, str(text)) for text in texts]
    return pd.Series(np.append(np.array(spelt, dtype=object), np.nan)[codes], index=column.index), wrong


def _spelt_as(known: set[str], text: str) -> str:
    """A text, or what a whole column of such was read as in training: `1.0` as `1`, `true` as `True`."""
    if text in known:
        return text
    truth = text.strip().lower()
    if truth in TRUTH and truth.capitalize() in known:
        return truth.capitalize()
    try:
        return text_of(float(text))
    except ValueError:
        return text
