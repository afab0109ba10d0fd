"""Shapley values of any function of rows, by antithetic permutations.

Of a coalition, the players have their values in the row to explain and all others those in a background row: these are
interventional Shapley values (Lundberg & Lee, 2017). Along a permutation, one player after the other changes over to
the row, and what each changes is its gain (Strumbelj & Kononenko, 2014); the same permutation backwards evens out much
of the error (Mitchell et al., 2022). Every pair of permutations starts at a background row of its own: the library
`shap` takes the mean over all of them for each coalition, and errs three times as much with five times the work.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from tqdm import tqdm

AT_ONCE = 2**22  # numbers


def shapley_values(
    function: Callable[[np.ndarray], np.ndarray],
    x: np.ndarray,
    background: np.ndarray,
    player: np.ndarray,
    rng: np.random.Generator,
    progress: bool = False,
) -> tuple[np.ndarray, float]:
    """Estimate what each player adds to the function's value, and the base value that it is added to.

    What is said of a row and the base value add up to the function of the row. All rows are explained by the same
    permutations: the values of one do not depend on the others.

    Parameters
    ----------
    function
        Of rows `(B, P)`; gives `(B,)`.
    x
        Rows to explain, `(N, P)`.
    background
        Where each pair of permutations starts, `(C, P)`; the base value is the function's mean over these rows.
    player
        Number of the player that each column belongs to, `(P,)`.
    rng
        Draws the permutations.
    progress
        Show a bar.

    Returns
    -------
    ndarray of shape (N, players)
        What each player adds.
    float
        The base value.
    """
    n_players, n_chains = int(player.max()) + 1, 2 * len(background)
    places = np.array([rng.permutation(n_players) for _ in background])  # of each player in the permutation, from 0
    places = np.stack([places, n_players - 1 - places], axis=1).reshape(n_chains, n_players)
    starts = background.repeat(2, axis=0)
    at_start, at_row = function(background).repeat(2), function(x)
    steps = np.arange(1, n_players)[:, np.newaxis]
    total = np.zeros((len(x), n_players))
    pairs = np.arange(len(x) * n_chains)  # of row and chain
    parts = np.array_split(pairs, 1 + pairs.size * n_players * len(player) // AT_ONCE)
    for part in tqdm(parts, desc="contributions", unit="part", disable=not progress):
        row, chain = np.divmod(part, n_chains)
        place = places[chain]
        changed = place[:, np.newaxis, player] < steps  # (pairs, players - 1, P)
        mixed = np.where(changed, x[row, np.newaxis], starts[chain, np.newaxis])
        between = function(mixed.reshape(-1, len(player))).reshape(len(part), n_players - 1)
        values = np.column_stack([at_start[chain], between, at_row[row]])
        np.add.at(total, row, np.take_along_axis(np.diff(values), place, axis=1))
    return total / n_chains, float(at_start.mean())
