import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swift_hydra_kedro.data import adbench
from swift_hydra_kedro.data.splitting import split
from swift_hydra_kedro.data.table import LabelledTable
from swift_hydra_kedro.data.validation import check_split, check_table, two_classes


def table(label=(0, 0, 1), **columns) -> LabelledTable:
    frame = pd.DataFrame(columns, index=range(len(label)))
    return LabelledTable(frame, pd.Series(label, dtype=np.int8))


def labels(n_normal: int, n_anomalies: int) -> np.ndarray:
    return np.repeat([0, 1], [n_normal, n_anomalies])


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (table(label=(), a=[]), "0 rows and 1 features"),
        (table(), "3 rows and 0 features"),
        (table(label=(0, 0), a=[1.0, 2.0]), "there are no anomalies among the 2 rows"),
        (table(label=(1, 1), a=[1.0, 2.0]), "there are no normal rows among the 2 rows"),
        (table(a=[1.0, np.inf, -np.inf], b=[1.0, 2.0, 3.0]), r"infinite values in 1 columns of 3 rows: 'a' \(2\)"),
        (table(a=[1.0, 1.0, 1.0], b=["x", "x", "x"]), "every one of the 2 features has the same value in all 3 rows"),
    ],
)
def test_unfit_table_is_a_clear_error(bad, message):
    with pytest.raises(ValueError, match=message):
        check_table(bad)


def test_missing_values_are_fine_only_where_allowed():
    gaps = table(a=[1.0, np.nan, 3.0], b=["x", None, None])
    check_table(gaps)
    with pytest.raises(ValueError, match=r"missing values in 2 columns of 3 rows: 'a' \(1\), 'b' \(2\)"):
        check_table(gaps, allow_missing=False)


def test_one_varying_feature_is_enough():
    check_table(table(a=[1.0, 1.0, 1.0], b=["x", "y", "x"]))
    check_table(table(a=[1.0, np.nan, 1.0]))


@settings(deadline=None)  # a busy machine is no failure
@given(
    n_normal=st.integers(1, 60),
    n_anomalies=st.integers(1, 60),
    train_size=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**31 - 1),
)
def test_passing_the_check_means_both_classes_in_both_parts(n_normal, n_anomalies, train_size, seed):
    y = labels(n_normal, n_anomalies)
    try:
        check_split(y, train_size)
    except ValueError as error:
        if "would do" in str(error):
            for enough in (float(word) for word in str(error).split() if word.startswith("0.")):
                if enough != train_size:
                    check_split(y, enough)
        else:
            assert min(n_normal, n_anomalies) == 1
        return
    train, test = split(table(label=y, a=np.arange(len(y))), train_size, seed)
    assert set(train.label) == set(test.label) == {0, 1}


def test_too_few_anomalies_for_the_share_name_the_shares_that_do():
    message = "3 anomalies and 997 normal rows .* train_size 0.1 .* a train_size from 0.167 to 0.833 would do"
    with pytest.raises(ValueError, match=message):
        check_split(labels(997, 3), 0.1)
    with pytest.raises(ValueError, match="at least 2 rows of each class"):
        check_split(labels(99, 1), 0.4)
    with pytest.raises(ValueError, match="no anomalies"):
        check_split(labels(99, 0), 0.4)


@pytest.mark.parametrize("train_size", [0.1, 0.2, 0.3, 0.4])
def test_every_adbench_set_can_be_split_as_in_the_paper(train_size):
    for known in map(adbench.entry, adbench.stems()):
        if known.n_samples and known.n_anomalies:
            check_split(labels(known.n_samples - known.n_anomalies, known.n_anomalies), train_size)


def test_two_classes_become_0_and_1_in_their_order():
    classes, label = two_classes(np.array(["ok", "fraud", "ok"]))
    assert classes.tolist() == ["fraud", "ok"]
    assert label.tolist() == [1, 0, 1]


@pytest.mark.parametrize("target", [[0, 0], [0, 1, 2]])
def test_other_numbers_of_classes_are_refused(target):
    with pytest.raises(ValueError, match=f"y has {len(set(target))} class"):
        two_classes(np.array(target))
