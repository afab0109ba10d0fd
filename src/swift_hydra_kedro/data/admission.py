"""Which rows of a table can be scored, and why the others cannot."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from swift_hydra_kedro.data.columns import is_numeric, numbers_in, reject_dates, text_of, to_numbers
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
        If a column of numbers holds dates.
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
        reject_dates(column)
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
    """Texts such as `1.0` as the known category `1`, which they were in training if all of the column were numbers.

    What is wrong with others, by position: JSON may hold lists and objects.
    """
    if is_numeric(column):
        return column, {}
    nested = column.map(lambda value: isinstance(value, (list, dict)))
    wrong = {row: f"must be one value and is {column.iloc[row]!r}" for row in np.flatnonzero(nested).tolist()}
    codes, texts = pd.factorize(column.astype(object).mask(nested))
    known = set(category.categories)
    spelt = [text if str(text) in known else _as_number(text) for text in texts]
    return pd.Series(np.append(np.array(spelt, dtype=object), np.nan)[codes], index=column.index), wrong


def _as_number(text: object) -> str:
    try:
        return text_of(float(str(text)))
    except ValueError:
        return str(text)
