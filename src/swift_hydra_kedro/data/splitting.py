"""The train/test split, and copies of training rows in the test part."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from swift_hydra_kedro.data.columns import is_numeric, to_numbers
from swift_hydra_kedro.data.table import LabelledTable
from swift_hydra_kedro.data.validation import check_split


def split(table: LabelledTable, train_size: float, seed: int) -> tuple[LabelledTable, LabelledTable]:
    """Split as scikit-learn's `train_test_split` does with `stratify=y` and `random_state=seed`.

    Parameters
    ----------
    table
        Features and labels of N rows.
    train_size
        Share of the rows used for training, in (0, 1).
    seed
        Seed of the shuffle.

    Returns
    -------
    train, test : LabelledTable
        Shuffled; their index is the row's place in `table`.

    Raises
    ------
    ValueError
        If a part could lack a class; see `validation.check_split`.
    """
    check_split(table.label, train_size)
    train, test = train_test_split(
        np.arange(len(table)), train_size=train_size, random_state=seed, stratify=table.label.to_numpy()
    )
    return table.take(train), table.take(test)


def split_around(
    table: LabelledTable, known: np.ndarray, train_size: float, seed: int
) -> tuple[LabelledTable, LabelledTable]:
    """Split so that rows which a model has learnt from, `known (N,)`, a mask, are all in training.

    Of the others, so many of each class are drawn that its share in training is `train_size`.

    Raises
    ------
    ValueError
        If there is no room for others, or a part would lack a class.
    """
    label, rng = table.label.to_numpy(), np.random.default_rng(seed)
    in_training = known.copy()
    for value in (0, 1):
        others = np.flatnonzero((label == value) & ~known)
        n_wanted = round(train_size * np.count_nonzero(label == value)) - np.count_nonzero((label == value) & known)
        in_training[rng.permutation(others)[: max(0, n_wanted)]] = True
    _check_parts(label, in_training, known, train_size)
    parts = (np.flatnonzero(mask) for mask in (in_training, ~in_training))
    train, test = (table.take(rng.permutation(rows)) for rows in parts)
    return train, test


def split_in_time(
    table: LabelledTable, time: np.ndarray, known: np.ndarray, train_size: float
) -> tuple[LabelledTable, LabelledTable]:
    """Train on the earliest rows, by `time (N,)`, and test on later ones, whatever their labels.

    At most `train_size` of the rows are in training, fewer where some are of the same time, and besides these any that
    a model has learnt from, `known (N,)`, a mask.

    Raises
    ------
    ValueError
        If too many rows are of the earliest time, there is no room for rows that the model does not know, or a part
        would lack a class.
    """
    first_of_test = np.sort(time)[int(train_size * len(time))]
    if first_of_test == time.min():
        n = np.count_nonzero(time == first_of_test)
        raise ValueError(
            f"{n} of {len(time)} rows are of the earliest time, and rows of one time stay together: train_size "
            f"{train_size} is to be more than {n / len(time):.3g}"
        )
    in_training = (time < first_of_test) | known
    _check_parts(table.label.to_numpy(), in_training, known, train_size)
    return table.take(np.flatnonzero(in_training)), table.take(np.flatnonzero(~in_training))


def _check_parts(label: np.ndarray, in_training: np.ndarray, known: np.ndarray, train_size: float) -> None:
    if known.any() and in_training.sum() == known.sum():
        raise ValueError(
            f"train_size {train_size} of {len(label)} rows leaves no room for others than the {known.sum()} that the "
            "model was trained on: raise it, or add rows"
        )
    for name, part in (("training", label[in_training]), ("test", label[~in_training])):
        if set(part) != {0, 1}:
            raise ValueError(
                f"train_size {train_size} leaves the {name} part without a row of each class: "
                f"{len(part)} rows, {part.sum()} anomalies"
            )


def part_of_each_class(y: np.ndarray, share: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw a share of the anomalies and of the normal rows, two of each at least, or all that there are.

    Parameters
    ----------
    y
        Labels `(N,)`, 1 = anomaly.
    share
        Of each class, at most 1.

    Returns
    -------
    anomalies, normals : ndarray
        Their row numbers, shuffled.
    """
    classes = [rng.permutation(np.flatnonzero(y == label)) for label in (1, 0)]
    anomalies, normals = (rows[: max(2, round(share * len(rows)))] for rows in classes)
    return anomalies, normals


def duplicate_mask(train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    """Find the test rows that also occur in training.

    Parameters
    ----------
    train, test
        Features with the same columns, of shapes (N_train, P) and (N_test, P).

    Returns
    -------
    ndarray of shape (N_test,)
        True where a training row equals the test row in every column; missing equals missing.
    """
    test = test[train.columns]
    train_hash, test_hash = _row_hash(train), _row_hash(test)
    mask = np.isin(test_hash, train_hash)
    if mask.any():  # equal hashes are likely copies; compare the values to be sure
        mask[mask] = _occurs(test[mask], train[np.isin(train_hash, test_hash[mask])])
    return mask


def _row_hash(features: pd.DataFrame) -> np.ndarray:
    """Hash rows so that equal rows get equal hashes; older pandas tells 0.0 from -0.0, and one NaN from another."""
    hashable = {i: _one_spelling(column) for i, (_, column) in enumerate(features.items())}
    return pd.util.hash_pandas_object(pd.DataFrame(hashable), index=False).to_numpy()


def _one_spelling(column: pd.Series) -> pd.Series:
    if not is_numeric(column):
        return column.astype(object).where(column.notna(), None)
    values = to_numbers(column) + 0.0
    return pd.Series(np.where(np.isnan(values), np.nan, values), index=column.index)


def _occurs(rows: pd.DataFrame, among: pd.DataFrame) -> np.ndarray:
    columns = [f"c{i}" for i in range(rows.shape[1])]
    among = among.set_axis(columns, axis=1).drop_duplicates()
    found = rows.set_axis(columns, axis=1).merge(among, how="left", on=columns, indicator="found")
    return found["found"].eq("both").to_numpy()
