"""The page of what a grid costs."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from swift_hydra_kedro.benchmark.cost import makespan
from swift_hydra_kedro.evaluation.comparison import markdown

WORKERS = (1, 2, 10, 100)
BASES = {
    "learnt": "a constant and a power law of its own cells",
    "scaled": "`Cell.estimate`, multiplied such that its few cells add up",
    "guessed": "as its detector, or the median of its family; else, and for its over-sampler, by `Cell.estimate`",
}
COLUMNS = {
    "core_hours": "core-hours",
    "longest_hours": "longest cell, h",
    "basis": "basis",
    "cells": "cells",
    "datasets": "data sets",
    "most_rows": "most rows",
    "rows": "rows ^",
    "columns": "columns ^",
    "median_factor": "off by, median",
    "factor_90": "off by, 90 %",
    "peak_gib": "peak GiB",
}


def page(
    origin: str,
    measured: pd.DataFrame,
    whole: pd.DataFrame,
    methods: pd.DataFrame,
    lacking: Mapping[str, pd.DataFrame],
) -> str:
    """The Markdown page.

    Parameters
    ----------
    origin : of the cells, in words
    measured : cells with `seconds` and those `expected` by the cells of the other data sets
    whole : the whole grid's cells in their order, with the `seconds` expected
    methods : see `by_method`
    lacking : see `missing`, by preset
    """
    shown = methods[list(COLUMNS)].rename(columns=COLUMNS).rename_axis("method")
    parts = [
        "# What the grid costs",
        f"Written by `benchmarks/scaling.py`. {origin}",
        "## The model",
        _judged(measured, methods),
        "## The whole grid",
        _in_words(whole, methods),
        markdown(_bases(methods)),
        markdown(_on_workers(whole["seconds"])),
        *(part for preset, cells in lacking.items() for part in _lacking(preset, cells)),
        "## By method",
        markdown(_rounded(shown)),
    ]
    return "\n\n".join(parts) + "\n"


def _judged(measured: pd.DataFrame, methods: pd.DataFrame) -> str:
    learnt = methods[methods["basis"] == "learnt"]
    largest = measured.loc[measured["n_fitted"].idxmax(), "dataset"]
    there = measured[measured["dataset"] == largest]
    text = (
        f"{len(measured):,} cells that have not failed, {_hours(measured['seconds'].sum())} core-hours. On data sets "
        "of which it has seen no cell the model is, for the median method, off by a factor of "
        f"{learnt['median_factor'].median():.2f} in the median cell, and by up to {learnt['factor_90'].median():.2f} "
        f"in 90 % of the cells. On {largest}, learnt from smaller data sets, it expects "
        f"{there['expected'].sum() / there['seconds'].sum():.2f} times the seconds."
    )
    guessed = methods["guessed_ratio"].dropna()
    if "guessed" not in set(methods["basis"]) or guessed.empty:
        return text
    return (
        f"{text} Guessed as those without cells are, methods with cells would be expected to take {guessed.min():.2g} "
        f"to {guessed.max():.2g} times their seconds, the median method {guessed.median():.2g}."
    )


def _in_words(whole: pd.DataFrame, methods: pd.DataFrame) -> str:
    counts = whole[["method", "dataset", "train_size"]].nunique()
    n_seeds = len(whole) // counts.prod()
    seconds, longest = whole["seconds"], whole.loc[whole["seconds"].idxmax()]
    beyond = seconds[whole["n_fitted"] > whole["method"].map(methods["most_rows"])].sum() / seconds.sum()
    return (
        f"{counts['method']} methods, {counts['dataset']} data sets, {counts['train_size']} train shares, {n_seeds} "
        f"seeds: {len(whole):,} cells, {_hours(seconds.sum())} core-hours, {beyond:.0%} of them for cells with more "
        f"training rows than any that was measured of their method. The longest cell, {longest['method']} on "
        f"{longest['dataset']} at {longest['train_size']:.0%}, takes {_hours(longest['seconds'])} h. The most memory "
        f"that a worker had in a measured cell is {methods['peak_gib'].max():.1f} GiB."
    )


def _bases(methods: pd.DataFrame) -> pd.DataFrame:
    by_basis = methods.groupby("basis")["core_hours"].agg(["size", "sum"])
    lines = {
        f"{name}: {text}": [by_basis.loc[name, "size"], _hours(3600 * by_basis.loc[name, "sum"])]
        for name, text in BASES.items()
        if name in by_basis.index
    }
    return pd.DataFrame.from_dict(lines, "index", columns=["methods", "core-hours"]).rename_axis("seconds are")


def _on_workers(seconds: pd.Series) -> pd.DataFrame:
    lines = {n: [_hours(makespan(seconds, n)), _hours(max(seconds.sum() / n, seconds.max()))] for n in WORKERS}
    return pd.DataFrame.from_dict(lines, "index", columns=["hours", "at least"]).rename_axis("workers")


def _lacking(preset: str, cells: pd.DataFrame) -> list[str]:
    total = f"{cells['cells'].sum():,} cells, {_hours(3600 * cells['core_hours'].sum())} core-hours"
    lines = {}
    for why, rows in cells.sort_values("core_hours", ascending=False).groupby("why"):
        named = ", ".join(f"{row.dataset} {_hours(3600 * row.core_hours)}" for row in rows.itertuples())
        lines[why] = [rows["cells"].sum(), _hours(3600 * rows["core_hours"].sum()), named]
    table = pd.DataFrame.from_dict(lines, "index", columns=["cells", "core-hours", "data sets, core-hours of each"])
    return [f"## Missing of {preset}: {total}", markdown(table.rename_axis("why"))]


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    digits = {"most rows": 0, "longest cell, h": 3}
    texts = {
        name: [f"{value:.{digits.get(name, 2)}f}" if pd.notna(value) else "" for value in table[name]]
        for name in table.select_dtypes("float")
    }
    return table.assign(**texts)


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:,.1f}" if seconds >= 3600 else f"{seconds / 3600:.2g}"
