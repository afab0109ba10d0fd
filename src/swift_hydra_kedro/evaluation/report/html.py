"""Tables of the report's page, which its script sorts by their headers."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any, NamedTuple

import pandas as pd

_TEXT = ' class="words"'


class Column(NamedTuple):
    """A column of a table: its header, digits of its numbers (none for text), and whether the highest is best."""

    label: str
    digits: int | None = None
    high: bool = False
    explained: str = ""


def html_table(
    columns: list[Column], rows: Iterable[Iterable[Any]], caption: str, name: str = "", sorted_by: str = ""
) -> str:
    """A table whose headers are buttons that sort it."""
    heads = "".join(
        f'<th scope="col" aria-sort="{_order(column) if column.label == sorted_by else "none"}" '
        f'data-first="{_order(column)}"{_TEXT * (column.digits is None)}>'
        f'<button type="button">{escape(column.label)}</button></th>'
        for column in columns
    )
    body = "".join(f"<tr>{''.join(map(_cell, columns, row))}</tr>" for row in rows)
    identity = f' id="{name}"' if name else ""
    return (
        f'<div class="wide"><table class="sortable"{identity}><caption>{escape(caption)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _order(column: Column) -> str:
    return "descending" if column.high else "ascending"


def _cell(column: Column, value: Any) -> str:
    if column.digits is None:
        return f"<td{_TEXT}>{escape(str(value))}</td>"
    if pd.isna(value):
        return '<td data-value="NaN"></td>'
    return f'<td data-value="{float(value):.6g}">{value:.{column.digits}f}</td>'
