import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import pandas as some
from sklearn.model_selection import train_test_split

from swift_hydra_kedro.data.embedded import digits
from swift_hydra_kedro.data.splitting import duplicate_mask, part_of_each_class, split, split_around, split_in_time
from swift_hydra_kedro.data.table import LabelledTable

NUMBERS = st.sampled_from([0.0, -0.0, 1.0, 0.1 + 0.2, 0.3, float("nan"), -float("nan"), float("inf")])
FRAMES = some.data_frames(
    [
        some.column("a", elements=NUMBERS),
        some.column("b", elements=st.sampled_from(["x", "y", "", None]), dtype=object),
    ],
    index=some.range_indexes(max_size=8),
)


def test_split_is_scikit_learns():
    table = digits()
    expected = train_test_split(table.features, table.label, train_size=0.3, random_state=7, stratify=table.label)
    train, test = split(table, 0.3, 7)
    for found, wanted in zip((train.features, test.features, train.label, test.label), expected, strict=True):
        assert found.equals(wanted)


def occurs_slowly(train: pd.DataFrame, test: pd.DataFrame) -> list[bool]:
    def same(left, right):
        return all(a == b or (pd.isna(a) and pd.isna(b)) for a, b in zip(left, right, strict=True))

    rows = list(train.itertuples(index=False, name=None))
    return [any(same(row, other) for other in rows) for row in test.itertuples(index=False, name=None)]


def test_a_split_that_could_leave_a_part_without_anomalies_is_refused():
    with pytest.raises(ValueError, match=r"2 anomalies and \d+ normal rows cannot be split with train_size 0.1"):
        split(LabelledTable(digits().features, pd.Series([1, 1] + [0] * (len(digits()) - 2))), 0.1, 0)


@settings(deadline=None)  # a busy machine is no failure
@given(train=FRAMES, test=FRAMES)
def test_duplicate_mask_equals_comparing_every_pair(train, test):
    assert duplicate_mask(train, test[["b", "a"]]).tolist() == occurs_slowly(train, test)


def test_duplicate_mask_survives_colliding_hashes(monkeypatch):
    monkeypatch.setattr(pd.util, "hash_pandas_object", lambda frame, index: pd.Series(np.zeros(len(frame), np.uint64)))
    train, test = pd.DataFrame({"a": [1.0, 2.0]}), pd.DataFrame({"a": [2.0, 3.0, 1.0, 2.0]})
    assert duplicate_mask(train, test).tolist() == [True, False, True, True]


@pytest.mark.parametrize("train_size", [0.4, 0.7])
def test_known_rows_stay_in_training_and_each_class_has_its_share(train_size):
    table = digits()
    known = np.arange(len(table)) % 4 == 0
    train, test = split_around(table, known, train_size, 0)
    assert set(np.flatnonzero(known)) <= set(train.label.index)
    assert sorted([*train.label.index, *test.label.index]) == list(range(len(table)))
    for label in (0, 1):
        n = (table.label == label).sum()
        assert (train.label == label).sum() == max(round(train_size * n), (table.label[known] == label).sum())


def test_the_others_are_drawn_by_the_seed():
    known = np.arange(len(digits())) % 4 == 0
    first, again, other = (split_around(digits(), known, 0.4, seed)[0].label.index for seed in (0, 0, 1))
    assert first.equals(again)
    assert set(first) != set(other)


def test_more_known_rows_than_the_share_are_refused():
    with pytest.raises(ValueError, match=r"train_size 0.2 of 1708 rows leaves no room for others than the 854"):
        split_around(digits(), np.arange(1708) % 2 == 0, 0.2, 0)


def test_known_rows_may_not_take_all_of_a_class():
    table = digits()
    known = table.label.to_numpy() == 1
    with pytest.raises(ValueError, match="leaves the test part without a row of each class"):
        split_around(table, known, 0.4, 0)


@pytest.mark.parametrize(("n_anomalies", "n_kept"), [(0, 0), (1, 1), (2, 2), (5, 2), (40, 4)])
def test_a_part_has_two_rows_of_each_class_or_all_there_are(n_anomalies, n_kept):
    y = np.zeros(1000, int)
    y[:n_anomalies] = 1
    anomalies, normals = part_of_each_class(y, 0.1, np.random.default_rng(0))
    assert len(set(anomalies)) == n_kept
    assert len(set(normals)) == round(0.1 * (1000 - n_anomalies))
    assert y[anomalies].all() and not y[normals].any()


def test_parts_differ_by_the_generator():
    first, second = (part_of_each_class(np.zeros(1000), 0.1, np.random.default_rng(seed))[1] for seed in (0, 1))
    assert set(first) != set(second)


@settings(deadline=None)
@given(time=st.lists(st.integers(0, 9), min_size=40, max_size=40), train_size=st.sampled_from([0.2, 0.5, 0.8]))
def test_all_training_rows_are_earlier_than_all_test_rows(time, train_size):
    table, time, nobody = digits().take(np.arange(40)), np.array(time), np.zeros(40, bool)
    table = LabelledTable(table.features, pd.Series(np.arange(40) % 2))
    try:
        train, test = split_in_time(table, time, nobody, train_size)
    except ValueError as error:
        few = (time == time.min()).sum() <= train_size * 40
        assert ("without a row of each class" if few else "rows of one time stay together") in str(error)
        return
    assert time[train.label.index].max() < time[test.label.index].min()
    assert sorted([*train.label.index, *test.label.index]) == list(range(40))
    assert len(train) <= train_size * 40 < len(train) + (time == time[test.label.index].min()).sum()


def test_rows_that_a_model_knows_stay_in_training_whenever_they_came_about():
    time, known = np.arange(1708), np.arange(1708) > 1700
    _, test = split_in_time(digits(), time, known, 0.5)
    assert test.label.index.tolist() == list(range(854, 1701))
    with pytest.raises(ValueError, match=r"train_size 0.5 of 1708 rows leaves no room for others than the 900"):
        split_in_time(digits(), time, time < 900, 0.5)


def test_a_part_in_time_without_anomalies_is_refused():
    late = digits().label.to_numpy() == 1
    with pytest.raises(
        ValueError, match=r"leaves the training part without a row of each class: 854 rows, 0 anomalies"
    ):
        split_in_time(digits(), late.astype(float) * 2 + np.linspace(0, 1, 1708), np.zeros(1708, bool), 0.5)
