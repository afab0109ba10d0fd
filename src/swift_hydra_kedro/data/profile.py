"""How rows are distributed, as counts in bins: of training in the model, of any further rows chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict

from swift_hydra_kedro.data.columns import count_texts, to_numbers
from swift_hydra_kedro.data.encoding import Name
from swift_hydra_kedro.data.preprocessing import TablePreprocessor

PERCENTILES = np.arange(1, 100) / 100
SINGLE_PRECISION = 1e-7  # of a number: what it may be off where a file holds it as float32
LEAST_ROWS = 5  # of a category with a bin of its own, as is the rule for tests of counts
SCORE = "score"


class NumericBins(BaseModel):
    """Bins of a column of numbers: below the first edge, from each edge to below the next one, and missing.

    Attributes
    ----------
    edges
        Ascending.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    edges: tuple[float, ...]

    @classmethod
    def fit(cls, column: pd.Series) -> Self:
        """Cut at the percentiles; a value that is several of them has a bin of its own.

        Any other bin has at most 2 % of the rows that have a value.
        """
        values = to_numbers(column)
        values = values[~np.isnan(values)]
        if len(values) == 0:
            return cls(edges=())
        cuts, times = np.unique(np.quantile(values, PERCENTILES, method="inverted_cdf"), return_counts=True)
        margin = SINGLE_PRECISION * np.abs(cuts)
        behind = np.nextafter(cuts + margin, np.inf)
        return cls(edges=tuple(np.union1d(cuts - margin, behind[times > 1]).tolist()))

    def count(self, column: pd.Series) -> np.ndarray:
        """Number of rows in each bin, `(len(edges) + 2,)`, missing ones last."""
        values = to_numbers(column)
        counts, _ = np.histogram(values, [-np.inf, *self.edges, np.inf])
        return np.append(counts, len(values) - counts.sum())


class CategoryBins(BaseModel):
    """Bins of a category column: some categories, all others, and missing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    categories: tuple[str, ...]

    @classmethod
    def fit(cls, column: pd.Series, known: Sequence[str]) -> Self:
        """Give a bin to each known category, except to rare ones.

        Where there are rare ones, new rows have others of their kind that training happens not to hold: only together
        are they as frequent as before.
        """
        counts = count_texts(column)
        return cls(categories=tuple(category for category in known if counts[category] >= LEAST_ROWS))

    def count(self, column: pd.Series) -> np.ndarray:
        """Number of rows in each bin, `(len(categories) + 2,)`, missing ones last."""
        counts = count_texts(column)
        known = counts.reindex(list(self.categories), fill_value=0).to_numpy()
        return np.array([*known, counts.sum() - known.sum(), len(column) - counts.sum()])


class ColumnProfile(BaseModel):
    """A column's bins, and how many of the rows looked at lie in each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    bins: NumericBins | CategoryBins
    counts: tuple[int, ...]

    @classmethod
    def of(cls, column: pd.Series, bins: NumericBins | CategoryBins) -> Self:
        """Count the rows of a column."""
        return cls(name=column.name, bins=bins, counts=tuple(bins.count(column).tolist()))

    @classmethod
    def of_numbers(cls, column: pd.Series) -> Self:
        """Find bins of a column of numbers, and count its rows."""
        return cls.of(column, NumericBins.fit(column))


class TableProfile(BaseModel):
    """What rows looked like when a model was made.

    Attributes
    ----------
    columns
        Training rows, in the columns and units of the table.
    score
        What the model says of rows that it has not learnt from, if there were any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[ColumnProfile, ...]
    score: ColumnProfile

    @classmethod
    def fit(cls, features: pd.DataFrame, preprocessor: TablePreprocessor, score: ArrayLike = ()) -> Self:
        """Count training rows, of shape (N, P_source), and scores `(C,)` of other rows."""
        numbers = (ColumnProfile.of_numbers(features[name]) for name in preprocessor.numeric.names)
        texts = (
            ColumnProfile.of(column := features[known.name], CategoryBins.fit(column, known.categories))
            for known in preprocessor.categorical
        )
        of_score = ColumnProfile.of_numbers(pd.Series(score, name=SCORE, dtype=np.float64))
        return cls(columns=(*numbers, *texts), score=of_score)


def count_rows(profiles: Sequence[ColumnProfile], chunks: Iterable[pd.DataFrame]) -> list[np.ndarray]:
    """Count the rows of all chunks in the bins of each column."""
    totals = [np.zeros(len(profile.counts), dtype=np.int64) for profile in profiles]
    for rows in chunks:
        for total, profile in zip(totals, profiles, strict=True):
            total += profile.bins.count(rows[profile.name])
    return totals
