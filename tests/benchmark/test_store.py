"""Cells on disk: whole or not at all, and what is missing of a grid."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from swift_hydra_kedro.benchmark import store as store_module
from swift_hydra_kedro.benchmark.cell import Budget, failed_cell
from swift_hydra_kedro.benchmark.kept import GENERATED, REAL, kept_rows
from swift_hydra_kedro.benchmark.store import SCHEMA, CellStore

from .conftest import cell


def record(one, budget, **more):
    """A record as `run_cell` makes it, in short."""
    return failed_cell(one, budget, ValueError()) | {"error": None, "auc_roc": 0.75, "n_train": 12} | more


def test_what_is_written_is_read(store, budget):
    written = [record(cell("ecod"), budget), record(cell(oversampler="smote"), budget, error="ValueError: no")]
    for one in written:
        store.write(one)
    found = store.read().sort_values("detector").to_dict("records")
    assert list(found[0]) == SCHEMA.names
    for before, after in zip(written, found, strict=True):
        assert {name: after[name] for name in before if before[name] is not None} == {
            name: value for name, value in before.items() if value is not None
        }
    assert pd.isna(found[0]["oversampler"]) and pd.isna(found[0]["error"]) and pd.isna(found[0]["auc_pr"])


def test_pandas_reads_the_folder_as_one_table(store, budget):
    for seed in range(3):
        store.write(record(cell(seed=seed), budget, **({} if seed else {"auc_roc": None, "error": "E: e"})))
    found = pd.read_parquet(store.folder)
    assert sorted(found["seed"]) == [0, 1, 2]
    assert found["auc_roc"].isna().sum() == 1


def test_a_folder_that_is_not_there_has_no_cells(store):
    assert store.read().columns.tolist() == SCHEMA.names
    assert store.read().empty


def test_a_cell_has_one_row_however_often_it_is_measured(store, budget):
    for score in (0.1, 0.2):
        store.write(record(cell(), budget, auc_roc=score))
    assert store.read()["auc_roc"].tolist() == [0.2]


def test_many_cells_in_one_file_are_read_like_one_file_for_each(store, budget, tmp_path):
    kept = {"generated": [[1.0, 2.0]], "normal": [[0.0, 0.5]]}
    for seed in range(3):
        store.write(record(cell(seed=seed), budget, rows=kept if seed == 1 else None))
    archive = CellStore(tmp_path / "archive")
    archive.gather(store)
    assert [file.name for file in archive.folder.iterdir()] == ["cells.parquet"]
    in_order = [one.read().sort_values("seed", ignore_index=True) for one in (archive, store)]
    pd.testing.assert_frame_equal(*in_order)
    assert archive.sort([cell(seed=0), cell(seed=7)], budget).done == [cell(seed=0)]


def test_of_a_cell_in_several_files_the_last_one_finished_counts(store, budget, tmp_path):
    for score in (0.1, 0.2):
        store.write(record(cell(), budget, auc_roc=score))
        archive = CellStore(tmp_path / str(score))
        archive.gather(store)
        archive.folder.joinpath("cells.parquet").rename(store.folder / f"{score}.parquet")
    store.write(record(cell(), budget, auc_roc=0.3))
    store.write(record(cell(seed=1), budget))
    found = store.read().sort_values("seed")
    assert found["seed"].tolist() == [0, 1]
    assert found["auc_roc"].iloc[0] == 0.3


def test_a_write_that_breaks_off_leaves_no_trace(store, budget, monkeypatch):
    store.write(record(cell(), budget))

    def half(table, path, **settings):
        path.write_bytes(b"PAR1 and no more")
        raise OSError("no space left")

    monkeypatch.setattr(store_module.pq, "write_table", half)
    with pytest.raises(OSError, match="no space"):
        store.write(record(cell(), budget, auc_roc=0.1))
    assert store.read()["auc_roc"].tolist() == [0.75]


def test_what_a_killed_process_left_unfinished_is_not_read(store, budget):
    store.write(record(cell(), budget))
    (store.folder / f".{cell(seed=1).hash}.parquet.0123.part").write_bytes(b"PAR1")
    assert len(store.read()) == len(pd.read_parquet(store.folder)) == 1


def test_cells_are_sorted_by_what_is_known_of_them(store, budget, monkeypatch):
    new, done, failed, old = (cell(seed=seed) for seed in range(4))
    store.write(record(done, budget))
    store.write(record(failed, budget, error="ValueError: no"))
    store.write(record(old, budget, version="0.0.1"))
    store.write(record(cell(seed=9), budget))  # of another grid
    progress = store.sort([new, done, failed, old], budget)
    assert (progress.new, progress.done, progress.outdated) == ([new], [done], [old])
    assert progress.failed == {failed: "ValueError: no"}


def test_files_with_and_without_newer_columns_are_read_as_one_table(store, budget):
    """Also where the first file, by which pyarrow would take the columns of all, is the older one."""
    first, second = sorted((cell(seed=seed) for seed in (0, 1)), key=lambda one: one.hash)
    store.write(record(second, budget, generated_beyond=0.5, rows={"generated": [[1.0, 2.0]]}))
    pq.write_table(pa.Table.from_pylist([record(first, budget)]), store.folder / f"{first.hash}.parquet")
    found = store.read().set_index("seed")
    assert found.loc[second.seed, "generated_beyond"] == 0.5
    assert {role: np.stack(rows).tolist() for role, rows in found.loc[second.seed, "rows"].items()} == {
        "generated": [[1, 2]]
    }
    assert pd.isna(found.loc[first.seed, "generated_beyond"])
    assert found.loc[first.seed, "rows"] is None
    assert set(store.sort([first, second], budget).done) == {first, second}


def test_cells_without_the_rows_that_they_are_to_keep_are_measured_again(store, budget):
    without, having, failed = (cell("swift_hydra", seed=seed) for seed in range(3))
    other = cell("extra_trees")
    store.write(record(without, budget))
    store.write(record(having, budget, rows={"generated": []}))
    store.write(record(failed, budget, error="ValueError: no"))
    store.write(record(other, budget))
    progress = store.sort([without, having, failed, other], replace(budget, keep_rows_of=("sine",)))
    assert (progress.outdated, progress.done) == ([without], [having, other])
    assert list(progress.failed) == [failed]
    assert store.sort([without], replace(budget, keep_rows_of=("digits",))).done == [without]


def test_rows_for_the_figure_are_small_on_disk(store, budget):
    """Those of all panels of 7_Cardiotocography, which has 21 columns."""
    rng = np.random.default_rng(0)
    for seed, detector in enumerate(["swift_hydra_no_synthesis"] + 8 * ["swift_hydra"]):
        one = cell(detector, seed=seed)
        rows = kept_rows(one, {role: rng.normal(size=(500, 21)) for role in REAL | GENERATED})
        store.write(record(one, budget, rows=rows))
    assert sum(path.stat().st_size for path in store.folder.iterdir()) < 200_000


def test_another_configuration_outdates_the_methods_that_use_it(store, budget):
    other = Budget(budget.config.updated({"synthesis": {"episodes": 3}}), budget.threshold)
    cells = [cell("swift_hydra"), cell("extra_trees"), cell("swift_hydra", oversampler="smote")]
    for one in cells:
        store.write(record(one, budget))
    assert store.sort(cells, budget).done == cells
    assert store.sort(cells, other).outdated == [cells[0], cells[2]]
