"""Checks that stop a run before any training."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from swift_hydra_kedro.data.columns import is_numeric
from swift_hydra_kedro.data.table import LabelledTable

MAJORITY = 0.5


def check_table(table: LabelledTable, allow_missing: bool = True) -> None:
    """Check that a table can be learned from.

    Parameters
    ----------
    table
        Features and labels of one data set.
    allow_missing
        Whether features may be missing, as in a user's own table.

    Raises
    ------
    ValueError
        If there are no rows, no features, one class only, infinite (or forbidden missing) values,
        or no feature that varies.
    """
    features = table.features
    if len(table) == 0 or features.shape[1] == 0:
        raise ValueError(f"the table has {len(table)} rows and {features.shape[1]} features; both must be at least 1")
    _check_classes(table.label)
    numeric = features[[name for name in features.columns if is_numeric(features[name])]]
    infinite = np.isinf(numeric.to_numpy(dtype=np.float64)).sum(axis=0)
    _check_none(pd.Series(infinite, numeric.columns), len(table), "infinite values", "replace them or remove the rows")
    if not allow_missing:
        _check_none(features.isna().sum(), len(table), "missing values", "this data set must have none: fetch it again")
    if not any(features[name].nunique(dropna=False) > 1 for name in features.columns):
        raise ValueError(f"every one of the {features.shape[1]} features has the same value in all {len(table)} rows")


def check_split(label: pd.Series | np.ndarray, train_size: float) -> None:
    """Check that a stratified split leaves a row of each class in training and in test, whatever the seed.

    Parameters
    ----------
    label
        0 and 1, of shape (N,).
    train_size
        Share of the rows used for training, in (0, 1).

    Raises
    ------
    ValueError
        If it does not; names the train shares that would.
    """
    _check_classes(label)
    n, n_anomalies = len(label), int(np.sum(label))
    rare = min(n_anomalies, n - n_anomalies)
    # Stratification rounds the expected count rare * n_train / n, so each part must expect more than one half.
    fewest = n // (2 * rare) + 1
    n_train = math.floor(train_size * n)
    if fewest <= n_train <= n - fewest:
        return
    found = f"{n_anomalies} anomalies and {n - n_anomalies} normal rows cannot be split with train_size {train_size}"
    if 2 * fewest > n:
        raise ValueError(f"{found} or any other: at least 2 rows of each class are needed")
    enough = [share / 1000 for share in range(1, 1000) if fewest <= math.floor(share / 1000 * n) <= n - fewest]
    raise ValueError(
        f"{found} so that training and test both hold each class; "
        f"a train_size from {enough[0]} to {enough[-1]} would do"
    )


def two_classes(target: np.ndarray, positive: object = None) -> tuple[np.ndarray, np.ndarray]:
    """Find the two classes of a target `(N,)` as scikit-learn's estimators get it, and its rows as 0 and 1.

    The second is the anomaly: `positive`, or without it the greater one.

    Raises
    ------
    ValueError
        If they are not two, in the words that scikit-learn's suite looks for, or `positive` is neither.
    """
    check_classification_targets(target)
    classes, label = np.unique(target, return_inverse=True)
    if len(classes) != 2:
        raise ValueError(
            "Only binary classification is supported. The type of the target is "
            f"{type_of_target(target)}: y has {len(classes)} class(es), and exactly 2 are needed."
        )
    if positive is None or classes[1] == positive:
        return classes, label
    if classes[0] != positive:
        raise ValueError(f"positive_label {positive!r} is neither of the classes of y, {classes.tolist()}")
    return classes[::-1], 1 - label


def doubt_of_label(label: pd.Series | np.ndarray, name: object) -> str | None:
    """What is odd about labels 0 and 1, `(N,)`, of which `name` was taken for 1: anomalies are most of the rows."""
    share = float(np.mean(label))
    if share <= MAJORITY:
        return None
    return f"{share:.0%} of the rows are anomalies, labelled {str(name)!r}: if the others are meant, set positive_label"


def _check_classes(label: pd.Series | np.ndarray) -> None:
    n_anomalies = int(np.sum(label))
    if n_anomalies in (0, len(label)):
        kind = "no anomalies" if n_anomalies == 0 else "no normal rows"
        raise ValueError(f"there are {kind} among the {len(label)} rows; both classes are needed, check the label")


def _check_none(counts: pd.Series, n_rows: int, what: str, remedy: str) -> None:
    bad = counts[counts > 0]
    if len(bad):
        where = ", ".join(f"{name!r} ({count})" for name, count in bad.head(10).items())
        raise ValueError(f"{what} in {len(bad)} columns of {n_rows} rows: {where}; {remedy}")
