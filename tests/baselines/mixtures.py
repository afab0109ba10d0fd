"""A slow, obvious search for the two rows that a row was made of."""

import numpy as np


def shares(row, first, second):
    """Share of `first (m, P)` in `row (P,)` for each pair with a row of `second (n, P)`, `(m, n)`.

    NaN where `row` is not on the line through the two, or these are the same.
    """
    difference = first[:, None] - second  # (m, n, P)
    with np.errstate(invalid="ignore"):
        share = ((row - second) * difference).sum(axis=2) / (difference**2).sum(axis=2)
    rebuilt = share[:, :, None] * difference + second
    return np.where(np.abs(rebuilt - row).max(axis=2) < 1e-9, share, np.nan)


def between(row, rows):
    """Whether `row` is on a segment between two of `rows`."""
    share = shares(row, rows, rows)
    return bool(((share >= 0) & (share <= 1)).any())
