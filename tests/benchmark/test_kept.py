"""Which cells keep rows, and how many."""

import json

import numpy as np
import pytest

from swift_hydra_kedro.benchmark.kept import GENERATED, REAL, has_rows, kept_rows

from .conftest import cell

FED = cell("swift_hydra_no_synthesis")


def groups(n, width=21):
    rng = np.random.default_rng(0)
    return {role: rng.normal(size=(n, width)).astype(np.float32) for role in REAL | GENERATED}


@pytest.mark.parametrize(
    ("one", "has"),
    [
        (FED, True),
        (cell("swift_hydra"), True),
        (cell("extra_trees", oversampler="smote"), True),
        (cell("extra_trees"), False),
        (cell("swift_hydra_kl_0.4"), False),
    ],
)
def test_cells_that_the_figure_shows_have_rows(one, has):
    assert has_rows(one) == has


def test_few_rows_are_all_kept_as_they_are():
    rows = kept_rows(FED, groups(30))
    assert rows.keys() == REAL.keys()
    for role, own in groups(30).items():
        if role in REAL:
            np.testing.assert_array_equal(np.float32(rows[role]), own)


def test_of_many_rows_the_cells_seed_draws_some():
    first, again, other = (kept_rows(cell("swift_hydra", seed=seed), groups(9000)) for seed in (1, 1, 2))
    assert first == again != other
    (rows,) = first.values()
    assert len(rows) == GENERATED["generated"]
    assert {tuple(row) for row in rows} <= {tuple(row) for row in groups(9000)["generated"].tolist()}


def test_no_row_is_kept_as_such():
    assert json.dumps(kept_rows(cell("swift_hydra"), groups(0))) == '{"generated": []}'
