"""Training rows that a model keeps to compare new ones with."""

import numpy as np
import pandas as pd
import pytest

from swift_hydra_kedro.data import reference
from swift_hydra_kedro.data.checkpoint import load_checkpoint, save_checkpoint
from swift_hydra_kedro.data.reference import Reference

Y = np.array([0, 1, 0, 1, 0, 1])
X = np.column_stack([np.arange(6.0), np.zeros(6)]).astype(np.float32)
KNOWN = pd.DataFrame(
    {"claim": [7, 8, 9, 10, 11, 12], "branch": ["a", "b", None, "d", "e", None]}, index=range(100, 106)
)


def drawn(known=KNOWN, seed=0):
    return Reference.draw(X, Y, known, np.random.default_rng(seed))


def test_rows_are_of_their_class_and_keep_their_names():
    found = drawn()
    assert sorted(found.normal[:, 0]) == [0, 2, 4]
    assert found.known.index.tolist() == (found.anomalies[:, 0] + 100).tolist()
    assert found.known.loc[[101, 103, 105]].to_numpy().tolist() == [["8", "b"], ["10", "d"], ["12", ""]]


def test_there_are_not_too_many(monkeypatch):
    monkeypatch.setattr(reference, "MAX_NORMAL", 2)
    monkeypatch.setattr(reference, "MAX_ANOMALIES", 1)
    assert (len(drawn().normal), len(drawn().anomalies), len(drawn().known)) == (2, 1, 1)
    assert len({tuple(drawn(seed=seed).known.index) for seed in range(20)}) == 3


def test_the_nearest_come_first_with_root_mean_square_distances():
    found = drawn()
    number, distance = found.nearest(np.array([[4.5, 0], [0, 0]]), 2)
    assert found.known.index.to_numpy()[number].tolist() == [[105, 103], [101, 103]]
    np.testing.assert_allclose(distance, np.array([[0.5, 1.5], [1, 3]]) / np.sqrt(2))


def test_no_more_are_named_than_there_are():
    assert drawn().nearest(X[:2], 10)[0].shape == (2, 3)


def test_anomalies_are_typically_so_far_apart():
    assert drawn().typical_distance == pytest.approx(2 / np.sqrt(2))
    assert np.isnan(Reference(X[:1], X[1:2], KNOWN[:1]).typical_distance)


@pytest.mark.parametrize("known", [KNOWN, KNOWN[[]]])
def test_it_is_the_same_after_a_checkpoint(known, tmp_path):
    first = drawn(known)
    save_checkpoint(tmp_path / "reference", first.to_checkpoint())
    second = Reference.from_checkpoint(load_checkpoint(tmp_path / "reference"))
    np.testing.assert_array_equal(second.normal, first.normal)
    np.testing.assert_array_equal(second.anomalies, first.anomalies)
    pd.testing.assert_frame_equal(second.known, first.known, check_dtype=False, check_column_type=False)
