"""The two kinds of column, numbers and text, and turning one into the other."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pandas as pd
from pandas.api import types

_DATE = r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})([ T].*)?"
_ISO_DATE = r"\d{4}-\d\d"
_MARKS = r"[$€£¥%\s]|(?<=\d),(?=\d{3}\b)"  # of money, per cent and thousands
_MANY = 32
LARGEST = int(np.finfo(np.float64).max)
_NUMERIC_OBJECTS = {"integer", "floating", "mixed-integer-float", "decimal", "boolean"}


def reject_repeated(names: pd.Index) -> None:
    """Raise a `ValueError` that tells names of columns which occur twice."""
    if names.has_duplicates:
        twice = sorted(set(names[names.duplicated()].map(str)))
        raise ValueError(f"column names occur twice: {twice}; rename or remove them")


def is_numeric(column: pd.Series) -> bool:
    """Whether a column holds numbers (booleans count as 0 and 1), by its type and never by parsing text.

    Raises
    ------
    ValueError
        If it holds dates, durations or complex numbers, which are neither numbers nor categories.
    """
    if types.is_object_dtype(column):
        return types.infer_dtype(column, skipna=True) in _NUMERIC_OBJECTS
    if types.is_complex_dtype(column):
        raise ValueError(f"column {column.name!r} holds complex numbers; split it into real and imaginary part")
    return types.is_numeric_dtype(column)


def has_date_type(column: pd.Series) -> bool:
    """Whether a column holds dates or durations by its type."""
    return column.dtype.kind in "mM" or isinstance(column.dtype, (pd.DatetimeTZDtype, pd.PeriodDtype))


def reject_dates(column: pd.Series) -> None:
    """Refuse dates and durations, also dates written as text (`2024-05-31`, `31.12.2024`), as most values may be.

    Raises
    ------
    ValueError
        If the column holds them; a model would see each as a category of its own.
    """
    dated = has_date_type(column)
    if not dated and not is_numeric(column):
        values = column.dropna().head(100).astype(str)
        dated = len(values) > 0 and bool(values.str.fullmatch(_DATE).mean() > 0.5)
    if dated:
        raise ValueError(
            f"column {column.name!r} holds dates or durations: convert it to numbers (such as days since an event), "
            "list it in id_columns, or make it the time_column"
        )


def reject_misread_numbers(column: pd.Series) -> None:
    """Refuse numbers that were read as text because of a stray `?`, a decimal comma, or marks such as `$` and `%`.

    Text counts as misread numbers if more distinct values than a category could have, and at least
    half of all distinct values, read as numbers. Pandas' `category` type says that categories are meant.

    Raises
    ------
    ValueError
        Says in how many rows there is no number, and gives an example.
    """
    if is_numeric(column) or isinstance(column.dtype, pd.CategoricalDtype):
        return
    values = column.dropna().astype(str)
    distinct = pd.Series(values.unique())
    if len(distinct) <= _MANY:
        return
    readings = (
        (distinct, ""),
        (distinct.str.replace(",", "."), " (write a decimal point for the comma)"),
        (distinct.str.replace(_MARKS, "", regex=True), " (without marks of money, per cent and thousands)"),
    )
    plain = pd.to_numeric(distinct, errors="coerce").notna()
    for reading, remedy in readings:
        is_number = pd.to_numeric(reading, errors="coerce").notna()
        if is_number.sum() > _MANY and is_number.mean() >= 0.5:
            strays = distinct[is_number & ~plain] if remedy else distinct[~is_number]
            if len(strays):
                rows = values[values.isin(strays)]
                raise ValueError(
                    f"column {column.name!r} seems to hold numbers but has text in {len(rows)} of {len(column)} rows, "
                    f"such as {rows.iloc[0]!r}; correct these rows{remedy}, or make it a category "
                    "(`categorical_columns` of the table, or pandas' type `category`)"
                )


def looks_like_ids(column: pd.Series) -> bool:
    """Whether a text column has more values than a category could have, most of which stand in a single row."""
    counts = column.value_counts()
    return len(counts) > _MANY and bool((counts == 1).sum() > 0.5 * column.count())


def to_numbers(column: pd.Series) -> np.ndarray:
    """Convert a column to float64 of shape (N,); missing values become NaN, text that reads as a number counts.

    Raises
    ------
    ValueError
        If it holds text; says in how many rows, and gives an example.
    """
    if not is_numeric(column):
        column = column.astype(object)
    numbers = column if types.is_numeric_dtype(column) else numbers_in(column)
    text = numbers.isna() & column.notna()
    if text.any():
        raise ValueError(
            f"column {column.name!r} must hold numbers but has text in {int(text.sum())} of {len(column)} rows, "
            f"such as {column[text].iloc[0]!r}; correct these rows, or list the column in categorical_columns"
        )
    return numbers.to_numpy(dtype=np.float64, na_value=np.nan)


def numbers_in(column: pd.Series) -> pd.Series:
    """Numbers in a column of objects, those beyond all floats as infinity; NaN for what is none."""
    try:
        return pd.to_numeric(column, errors="coerce").astype(np.float64)
    except OverflowError:
        return pd.to_numeric(column.map(_bounded), errors="coerce").astype(np.float64)


def to_times(column: pd.Series) -> np.ndarray:
    """Numbers `(N,)` in the order of a column's numbers, durations or dates; dates without a zone are taken for UTC.

    Raises
    ------
    ValueError
        If some rows hold none, or text that is not a date as ISO 8601 writes it: elsewhere, 3.4. is two days.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    if column.dtype.kind == "m":
        times = column.dt.total_seconds()
    elif not has_date_type(column) and is_numeric(column):
        times = pd.Series(to_numbers(column), index=column.index)
    else:
        text = column.astype(str).str.strip()
        dates = pd.to_datetime(text.where(text.str.match(_ISO_DATE)), format="ISO8601", errors="coerce", utc=True)
        times = dates.astype("datetime64[us, UTC]").astype("int64").where(dates.notna(), numbers_in(text))
    if times.isna().any():
        raise ValueError(
            f"time_column {column.name!r} holds no number and no date such as 2024-05-31 or 2024-05-31T14:00 in "
            f"{times.isna().sum()} of {len(column)} rows, such as {column[times.isna()].iloc[0]!r}"
        )
    return times.to_numpy()


def to_text(column: pd.Series) -> pd.Series:
    """Convert a column to strings, keeping missing values; 1, 1.0 and "1" give the same text."""
    codes, texts = text_codes(column)
    texts = np.append(texts, np.nan)  # the code -1, a missing value, takes the last
    return pd.Series(texts[codes], index=column.index, name=column.name, dtype=object)


def text_codes(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Codes of shape (N,), -1 where missing, into the distinct texts of a column, in order of appearance.

    Raises
    ------
    ValueError
        If a row holds a list, a dict or the like.
    """
    try:
        codes, values = pd.factorize(column)
    except TypeError as error:  # of what has no hash
        raise ValueError(f"column {column.name!r} must hold one value per row: {error}") from error
    merged, texts = pd.factorize(np.array([text_of(value) for value in values], dtype=object))
    return np.append(merged, -1)[codes], np.asarray(texts, dtype=object)


def count_texts(column: pd.Series) -> pd.Series:
    """How often each text occurs in a column, in order of appearance; missing values are left out."""
    codes, texts = text_codes(column)
    return pd.Series(np.bincount(codes[codes >= 0], minlength=len(texts)), index=texts)


def text_of(value: Hashable) -> str:
    """Text of a category; whole numbers have no decimal point."""
    if isinstance(value, (float, np.floating)) and value.is_integer():
        return str(int(value))
    return str(value)


def _bounded(value: object) -> object:
    if isinstance(value, int) and abs(value) > LARGEST:
        return np.inf if value > 0 else -np.inf
    return value
