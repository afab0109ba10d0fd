"""Class by class: which classes grow, what a subclass gets, and that tables keep their kind."""

import numpy as np
import pytest
from imblearn.over_sampling.base import BaseOverSampler
from scipy import sparse

from swift_hydra_kedro.data.resampling import ClassByClass

X = np.arange(12, dtype=np.float32).reshape(6, 2)
Y = np.array([0, 0, 0, 1, 1, 2])


class Doubling(ClassByClass, BaseOverSampler):
    """Gives the class's rows again, in double precision."""

    def _new_rows(self, X, y):
        self.asked = dict(self._growing())
        for label in self.asked:
            yield X[y == label].astype(float), y[y == label]


def test_each_class_that_is_to_grow_is_asked_for_once():
    sampler = Doubling()
    new_X, new_y = sampler.fit_resample(X, Y)
    assert sampler.asked == {1: 1, 2: 2}
    assert new_y.tolist() == [*Y, 1, 1, 2]
    assert new_X.dtype == np.float32 and np.array_equal(new_X, np.concatenate([X, X[3:5], X[5:]]))


def test_where_none_is_to_grow_all_stays():
    new_X, new_y = Doubling(sampling_strategy={1: 2}).fit_resample(X, Y)
    assert np.array_equal(new_X, X) and np.array_equal(new_y, Y)


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array])
def test_sparse_tables_stay_so(kind):
    dense, label = Doubling().fit_resample(X, Y)
    thin, thin_label = Doubling().fit_resample(kind(X), Y)
    assert isinstance(thin, kind) and len(thin_label) == 9
    assert np.array_equal(thin.toarray(), dense) and np.array_equal(thin_label, label)


def test_tables_of_integers_stay_so():
    new_X, _ = Doubling().fit_resample(X.astype(np.int64), Y)
    assert new_X.dtype == np.int64


def test_rows_made_for_a_table_of_integers_are_the_nearest_whole_ones():
    class Halfway(Doubling):
        def _new_rows(self, X, y):
            for rows, label in super()._new_rows(X, y):
                yield rows * [0.7, -0.7], label

    new_X, _ = Halfway().fit_resample(X.astype(np.int64), Y)
    assert new_X[6:].tolist() == [[4, -5], [6, -6], [7, -8]]  # of 6 and 7, 8 and 9, 10 and 11


@pytest.mark.parametrize(
    ("dtype", "made", "expected"), [(bool, [[0.2, 0.9]], [[False, True]]), (np.uint8, [[-3.2, 300.0]], [[0, 255]])]
)
def test_rows_made_are_the_nearest_that_the_type_can_say(dtype, made, expected):
    class Making(Doubling):
        def _new_rows(self, X, y):
            yield np.array(made), np.array([1])

    new_X, _ = Making().fit_resample(X[:, :2].astype(dtype), Y)
    assert new_X.dtype == dtype and new_X[-1:].tolist() == expected
