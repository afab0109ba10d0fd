"""What cells cost: laws that are known, too few cells, what a data set says of itself, and the time on many workers."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swift_hydra_kedro.benchmark.cost import (
    LARGEST,
    MIN_DATASETS,
    CostModel,
    PowerLaw,
    leave_one_out,
    makespan,
    measured_cells,
    sized_cells,
)

from .conftest import cell

LINEAR = np.array([1.0, 1.0])


@pytest.fixture
def sizes():
    """Rows and columns of 60 cells."""
    rng = np.random.default_rng(0)
    return np.exp(rng.uniform([3, 1], [9, 6], size=(60, 2)))


def a_law(sizes):
    return 2 + 0.003 * sizes[:, 0] ** 0.8 * sizes[:, 1] ** 0.4


def frame(method_of=lambda dataset: ["extra_trees"], n_datasets=8, seconds=lambda cells: 1 + 1e-5 * cells["n_fitted"]):
    """Measured cells of data sets of 100, 200, 400 and so on rows, with 10 columns, at two train shares."""
    cells = [
        (cell(detector, f"set_{n}", share, oversampler=oversampler), (100 * 2**n, 10))
        for n in range(n_datasets)
        for share in (0.4, 0.1)
        for oversampler, _, detector in (name.rpartition("__") for name in method_of(n))
        for oversampler in (oversampler or None,)
    ]
    table = sized_cells(cells)
    fit = pd.Series(seconds(table), table.index)
    return table.assign(fit_seconds=fit, predict_seconds=0.01, seconds=fit + 0.01)


def test_a_known_law_is_found_again_and_goes_on_beyond_the_cells(sizes):
    law = PowerLaw.fit(sizes, a_law(sizes), LINEAR)
    assert law.exponents == pytest.approx([0.8, 0.4], abs=0.03)
    assert law.constant == pytest.approx(2, rel=0.1)
    larger = 10 * sizes
    np.testing.assert_allclose(law(larger), a_law(larger), rtol=0.15)


def test_noise_does_not_hide_the_law_and_the_sum_is_right(sizes):
    seconds = a_law(sizes) * np.exp(np.random.default_rng(1).normal(0, 0.1, len(sizes)))
    law = PowerLaw.fit(sizes, seconds, LINEAR)
    assert law.exponents == pytest.approx([0.8, 0.4], abs=0.1)
    assert law(sizes).sum() == pytest.approx(seconds.sum())


def test_noise_is_no_law(sizes):
    """Not even one that is hidden beneath a constant, and far beyond the cells comes to light."""
    seconds = 70 * np.exp(np.random.default_rng(1).normal(0, 0.3, len(sizes)))
    assert PowerLaw.fit(sizes, seconds, LINEAR)(100 * sizes).max() < 2 * seconds.max()


@pytest.mark.parametrize(("power", "found"), [(3, LARGEST), (-1, 0)])
def test_exponents_stay_within_their_bounds(sizes, power, found):
    law = PowerLaw.fit(sizes, 10.0 * sizes[:, 0] ** power, LINEAR)
    assert law.exponents[0] == pytest.approx(found, abs=0.01)
    assert 0 <= law.exponents[1] < 0.2


def test_seconds_that_depend_on_nothing_stay_the_same(sizes):
    law = PowerLaw.fit(sizes, np.full(len(sizes), 5.0), LINEAR)
    assert law(100 * sizes) == pytest.approx(5, rel=0.1)


def test_one_cell_is_carried_on_by_what_is_expected():
    law = PowerLaw.fit(np.array([[100.0, 10.0]]), np.array([2.0]), np.array([1.0, 0.5]))
    assert law.exponents == pytest.approx([1, 0.5])
    assert law(np.array([[100.0, 10.0]])) == pytest.approx(2)


def test_seconds_of_none_are_no_error(sizes):
    law = PowerLaw.fit(sizes, np.zeros(len(sizes)), LINEAR)
    assert 0 < law(sizes).max() < 0.01


def test_methods_are_learnt_apart_and_fit_and_scoring_add_up():
    cells = frame(lambda _: ["extra_trees", "smote__extra_trees"], seconds=lambda c: 1.0 + 4 * (c["oversampling"] > 0))
    model = CostModel.fit(cells)
    assert {model.basis(name) for name in model.laws} == {"learnt"}
    expected = model.seconds(cells)
    assert expected[cells["method"] == "extra_trees"].to_numpy() == pytest.approx(1.01, rel=1e-3)
    assert expected[cells["method"] == "smote__extra_trees"].to_numpy() == pytest.approx(5.01, rel=1e-3)


def test_a_method_of_few_data_sets_is_a_multiple_of_its_estimate():
    cells = frame(n_datasets=MIN_DATASETS - 1)
    model = CostModel.fit(cells)
    assert model.basis("extra_trees") == "scaled"
    ratio = cells["seconds"].sum() / cells["estimate"].sum()
    assert model.seconds(cells).to_numpy() == pytest.approx(ratio * cells["estimate"].to_numpy())


def test_a_method_without_cells_is_guessed_by_its_detector_its_family_or_all():
    model = CostModel.fit(frame(lambda _: ["extra_trees", "random_forest", "ecod"], seconds=seconds_by_method))
    ratio = model.ratios.median()

    def guess(name):
        other = frame(lambda _: [name])
        assert model.basis(name) == "guessed"
        return model.seconds(other).to_numpy(), other["oversampling"].to_numpy(), other["estimate"].to_numpy()

    seconds, oversampling, _ = guess("smote__extra_trees")
    assert oversampling.min() > 0
    assert seconds - ratio * oversampling == pytest.approx(1.01, rel=1e-3)
    own = CostModel(model.laws, model.ratios).without("extra_trees")
    family = own.seconds(frame(lambda _: ["extra_trees"])).to_numpy()
    assert family == pytest.approx(3.01, rel=1e-3)
    seconds, _, estimate = guess("dev_net")
    assert seconds == pytest.approx(ratio * estimate)


def seconds_by_method(cells):
    return cells["method"].map({"extra_trees": 1.0, "random_forest": 3.0, "ecod": 0.2})


def test_without_cells_there_is_no_model():
    with pytest.raises(ValueError, match="no cell has been measured"):
        CostModel.fit(measured_cells([]))


def test_a_data_set_says_nothing_of_itself():
    cells = frame()
    wrong = cells.assign(seconds=cells["seconds"].mask(cells["dataset"] == "set_3", 1000.0))
    wrong["fit_seconds"] = wrong["seconds"] - wrong["predict_seconds"]
    own = cells["dataset"] == "set_3"
    expected = leave_one_out(wrong)
    pd.testing.assert_series_equal(expected[own], CostModel.fit(cells[~own]).seconds(cells[own]))
    assert (expected[own] < 2).all()
    assert (expected[~own] > leave_one_out(cells)[~own]).all()


def test_failed_cells_are_not_learnt_from_and_limits_count():
    record = {"dataset": "a", "train_size": 0.4, "seed": 0, "detector": "knn", "oversampler": None, "error": None}
    sizes = {"n_train": 400_000, "support_0": 590_000, "support_1": 10_000, "n_features": 7}
    done = record | sizes | {"fit_seconds": 3.0, "predict_seconds": 0.5}
    (row,) = measured_cells([done, record | {"error": "ValueError: no", "seed": 1}]).to_dict("records")
    assert (row["method"], row["n_fitted"], row["n_test"], row["n_features"]) == ("knn", 50_000, 600_000, 7)
    assert row["seconds"] == 3.5


def by_hand(seconds, n_workers):
    free = [0.0] * n_workers
    for one in seconds:
        free[free.index(min(free))] += one
    return max(free)


@given(st.lists(st.floats(0, 100), max_size=30), st.integers(1, 8))
def test_the_makespan_is_that_of_a_list_schedule(seconds, n_workers):
    found = makespan(seconds, n_workers)
    assert found == pytest.approx(by_hand(seconds, n_workers))
    least = max([sum(seconds) / n_workers, *seconds])
    assert least * 0.999 <= found <= (2 - 1 / n_workers) * least * 1.001  # Graham's bound
