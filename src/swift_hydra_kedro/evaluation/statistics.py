"""Whether methods differ over data sets: Wilcoxon's signed-rank test with Holm's correction, Friedman's test, cliques.

After Demšar (JMLR 2006), with pairwise Wilcoxon tests in the place of mean-rank tests, whose verdict on two methods
would depend on which others are compared (Benavoli et al., JMLR 2016). Tables are `(D, methods)`, a row per data set,
higher is better. The tests are scipy's.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import friedmanchisquare, wilcoxon

from swift_hydra_kedro.evaluation.comparison import SAME, ranks


def holm(p: pd.Series) -> pd.Series:
    """Holm's step-down correction of p-values."""
    ordered = p.sort_values()
    return (ordered * np.arange(len(p), 0, -1)).cummax().clip(upper=1)


def against(table: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Each other method against one: the data sets on which it is `better`, `equal` and `worse`, and the test.

    `gain` is what that is about, the sum of the differences' signed ranks, positive for a better method; then `p` and
    `p_holm`.

    Returns
    -------
    DataFrame
        By `method`, in the order of the p-values.
    """
    others = table.columns.drop(reference)
    above = table[others].sub(table[reference], axis=0).round(SAME)
    found = pd.DataFrame(
        {
            "better": (above > 0).sum(),
            "equal": (above == 0).sum(),
            "worse": (above < 0).sum(),
            "gain": (np.sign(above) * above[above != 0].abs().rank()).sum(),
            "p": pd.Series({name: _wilcoxon(above[name]) for name in others}, dtype=float),
        }
    )
    return found.assign(p_holm=holm(found["p"])).sort_values("p", kind="stable").rename_axis("method")


def pairwise(table: pd.DataFrame) -> pd.DataFrame:
    """Wilcoxon's p-values of all pairs, corrected by Holm over all of them, `(methods, methods)`; 1 on the diagonal."""
    p = pd.Series(
        {(a, b): _wilcoxon((table[a] - table[b]).round(SAME)) for a, b in combinations(table, 2)}, dtype=float
    )
    matrix = pd.DataFrame(1.0, index=table.columns, columns=table.columns)
    for (a, b), value in holm(p).items():
        matrix.loc[a, b] = matrix.loc[b, a] = value
    return matrix


def friedman(table: pd.DataFrame) -> float:
    """p-value of Friedman's test that all methods rank alike; NaN for fewer than three methods or two data sets."""
    if table.shape[0] < 2 or table.shape[1] < 3:
        return float("nan")
    return float(friedmanchisquare(*table.round(SAME).to_numpy().T).pvalue)


def cliques(table: pd.DataFrame, p: pd.DataFrame, alpha: float) -> list[list[str]]:
    """Groups of methods, neighbours by mean rank, of which no two differ at the level `alpha`.

    The bars of a critical-difference diagram: each as long as it can be, none within another, none of one method.
    """
    order = list(ranks(table).mean().sort_values(kind="stable").index)
    alike = p.loc[order, order].to_numpy() >= alpha
    groups, last = [], 0
    for first in range(len(order)):
        end = first + 1
        while end < len(order) and alike[first : end + 1, first : end + 1].all():
            end += 1
        if end > last and end - first > 1:
            groups.append(order[first:end])
        last = max(last, end)
    return groups


def _wilcoxon(difference: pd.Series) -> float:
    """p-value of the two-sided test; 1 if nothing differs, for which scipy has none."""
    return float(wilcoxon(difference).pvalue) if difference.any() else 1.0
