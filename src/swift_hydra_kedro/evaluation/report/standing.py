"""Where the methods of a benchmark stand at one train size, and what the comparison leaves out, in words."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from swift_hydra_kedro.evaluation.comparison import Compared, by_dataset, compare, leaderboard
from swift_hydra_kedro.evaluation.names import WHOLE, display_name
from swift_hydra_kedro.evaluation.statistics import against, friedman, pairwise

TUNED = rf"{WHOLE}_kl_.*"  # Swift Hydra with other settings: of figure 7, and no methods to be ranked among the others


class Standing(NamedTuple):
    """All that is said of the methods at one train size.

    Attributes
    ----------
    compared : see `compare`
    board : see `leaderboard`
    table : AUC-ROC `(D, methods)` that ranks and tests are of
    p : see `pairwise`
    friedman : see `friedman`
    reference : the method that the others are tested against: ours, or without it the best
    tests : see `against`
    """

    compared: Compared
    board: pd.DataFrame
    table: pd.DataFrame
    p: pd.DataFrame
    friedman: float
    reference: str | None
    tests: pd.DataFrame


def standings(results: pd.DataFrame, coverage: float) -> dict[float, Standing]:
    """The methods' standing at each train size, the one with most data sets first.

    Raises
    ------
    ValueError
        If no cell has a result.
    """
    if not results["auc_roc"].notna().any():
        raise ValueError("no cell of the benchmark has a result: kedro run --pipeline=benchmark measures them")
    found = {float(size): _standing(part, coverage) for size, part in ranked(results).groupby("train_size")}
    return dict(sorted(found.items(), key=lambda item: (-item[1].compared.n_datasets, -item[0])))


def ranked(results: pd.DataFrame) -> pd.DataFrame:
    """Results of the methods that are ranked."""
    return results[~results["method"].str.fullmatch(TUNED)]


def compared_in_words(compared: Compared) -> str:
    """How many splits and data sets a comparison is of, and which methods it leaves out."""
    n_methods = int(compared.methods["compared"].sum())
    text = (
        f"{_many(n_methods, 'method')} on {_many(compared.n_datasets, 'data set')}, {compared.n_common} of "
        f"{_many(compared.n_splits, 'split')}: those that all of these methods have."
    )
    left_out = compared.methods[~compared.methods["compared"]]
    if left_out.empty:
        return text
    named = ", ".join(f"{display_name(str(row.Index))} ({row.n_datasets})" for row in left_out.itertuples())
    return f"{text} Not compared, for too few data sets: {named}."


def failures(results: pd.DataFrame) -> pd.DataFrame:
    """Cells that failed: `method`, `dataset`, `train_size`, `seed`, `error`."""
    failed = results.loc[results["error"].notna(), ["method", "dataset", "train_size", "seed", "error"]]
    return failed.sort_values(["method", "dataset", "train_size", "seed"]).reset_index(drop=True)


def provenance(results: pd.DataFrame) -> str:
    """Of which versions and when the results are, and which methods had several configurations."""
    versions = ", ".join(f"{name} ({_many(n, 'cell')})" for name, n in results["version"].value_counts().items())
    first, last = results["finished"].min(), results["finished"].max()
    text = f"Measured from {first:%Y-%m-%d} to {last:%Y-%m-%d} with version {versions}."
    n_configs = results.groupby("method")["config"].nunique()
    mixed = ", ".join(display_name(str(name)) for name in n_configs.index[n_configs > 1])
    return f"{text} Measured with more than one configuration: {mixed}." if mixed else text


def _standing(results: pd.DataFrame, coverage: float) -> Standing:
    compared = compare(results, coverage)
    table = by_dataset(compared.results, "auc_roc")
    board = leaderboard(compared.results)
    reference = (WHOLE if WHOLE in board.index else str(board.index[0])) if len(board) else None
    tests = against(table, reference) if reference else pd.DataFrame()
    return Standing(compared, board, table, pairwise(table), friedman(table), reference, tests)


def _many(n: int, noun: str) -> str:
    return f"{n} {noun}" + "s" * (n != 1)
