"""What a grid costs: the papers' data sets, what is known of each method, and what is missing and why."""

import sys
from argparse import Namespace

import pandas as pd
import pytest

from swift_hydra_kedro.benchmark.cost import CostModel, measured_cells
from swift_hydra_kedro.benchmark.grid import Cell
from swift_hydra_kedro.benchmark.store import CellStore
from swift_hydra_kedro.config import BenchmarkConfig, TablesConfig
from swift_hydra_kedro.data import adbench

NO_TABLES = TablesConfig({})
SETS = ("6_cardio", "14_glass", "29_Pima", "38_thyroid", "40_vowels", "45_wine")


@pytest.fixture
def scaling(benchmark_module):
    return benchmark_module("scaling")


@pytest.fixture
def sets(benchmark_module):
    return benchmark_module("paper_sets").PaperSets()


def record(dataset, detector="extra_trees", fit_seconds=3600.0, train_size=0.4, error=None):
    """A record of a cell of the data set's true shape."""
    known = adbench.entry(dataset)
    n_train = round(train_size * known.n_samples)
    cell = {"dataset": dataset, "train_size": train_size, "seed": 0, "detector": detector, "oversampler": None}
    sizes = {"n_train": n_train, "support_0": known.n_samples - n_train - 5, "support_1": 5}
    took = {"fit_seconds": fit_seconds, "predict_seconds": 0.0, "n_features": known.n_features, "peak_memory": 2**30}
    origin = {"version": "1.0", "config": "c", "finished": pd.Timestamp("2026-01-02", tz="UTC")}
    return cell | ({} if error else sizes | took) | origin | {"method": detector, "error": error}


def test_the_papers_57_data_sets_have_a_file_each_whose_shape_is_told_without_reading_it(sets):
    files = sets.adbench_files()
    assert [adbench.entry(stem).number for stem in files] == list(range(1, 58))
    assert {"CIFAR10_0", "MVTec-AD_bottle", "20news_3", "imdb"} <= set(files)
    shapes = {stem: sets.shape(stem, NO_TABLES) for stem in adbench.stems()}
    assert all(n_rows > 0 and n_features > 0 for n_rows, n_features in shapes.values())
    assert shapes["CIFAR10_7"] == shapes["CIFAR10_0"] == (5263, 512)
    assert shapes["FashionMNIST_3"] == (6315, 512)
    assert sets.shape("sine", NO_TABLES) == (1000, 2)


def test_the_whole_grid_is_all_methods_on_57_sets_four_shares_and_five_seeds(scaling, sets):
    cells = scaling.cells_of(scaling.whole_grid(), sets, NO_TABLES)
    n_methods = len({cell.method for cell in cells})
    assert len(cells) == n_methods * 57 * 4 * 5
    assert n_methods > 80


def test_methods_say_how_they_are_known_and_how_far_off_they_are(scaling):
    records = [record(name, fit_seconds=seconds) for name, seconds in zip(SETS, (1800, 7200) * 3, strict=True)]
    measured = measured_cells([*records, record("6_cardio", "ecod")])
    model = CostModel.fit(measured)
    cells = [Cell("6_cardio", 0.4, seed, name) for name in ("extra_trees", "ecod", "dev_net") for seed in (0, 1)]
    expected = measured.assign(expected=measured["seconds"] * [2, 0.5, 2, 2, 2, 4, 1])
    methods = scaling.by_method(expected, scaling.planned(cells, model), model)
    assert methods["basis"].to_dict() == {"extra_trees": "learnt", "ecod": "scaled", "dev_net": "guessed"}
    assert methods[["cells", "datasets"]].loc["extra_trees"].tolist() == [6, 6]
    assert methods.loc["extra_trees", "median_factor"] == pytest.approx(2)
    assert methods.loc["extra_trees", "factor_90"] == pytest.approx(3)
    assert methods.loc["ecod", "core_hours"] == pytest.approx(2)
    assert methods.loc["ecod", "longest_hours"] == pytest.approx(1)
    assert methods["cells"]["dev_net"] == 0


def test_what_is_missing_is_named_with_its_reason_and_cost(scaling, tmp_path):
    mirror = tmp_path / "Classical"
    mirror.mkdir()
    for stem in ("6_cardio", "14_glass", "8_celeba"):
        (mirror / f"{stem}.npz").touch()
    records = [record("6_cardio", "swift_hydra"), record("6_cardio", "swift_hydra_traditional", error="ValueError: no")]
    model = CostModel.fit(measured_cells(records))
    given = Namespace(mirror=str(tmp_path), max_rows=20_000, train_sizes=["0.4", "0.1"])
    table = scaling.missing("table7", records, model, given)
    assert table["cells"].sum() == 57 * 4 * 2 - 2
    by_reason = table.groupby("why")["dataset"].agg(set)
    assert {"8_celeba", "3_backdoor"} <= by_reason["more than 20,000 rows"]
    assert len(by_reason["more than 20,000 rows"]) + len(by_reason["not in the mirror"]) == 57 - 2
    assert by_reason["another train share"] == by_reason["not measured yet"] == {"6_cardio", "14_glass"}
    yet = table[table["why"] == "not measured yet"].set_index("dataset")["cells"]
    assert yet.to_dict() == {"6_cardio": 2, "14_glass": 4}
    ratio = model.ratios["swift_hydra"]
    other = table[(table["why"] == "another train share") & (table["dataset"] == "14_glass")]
    cells = [Cell("14_glass", share, 0, name) for share in (0.3, 0.2) for name in ("swift_hydra",) * 2]
    assert other["core_hours"].item() == pytest.approx(ratio * sum(c.estimate((214, 7)) for c in cells) / 3600)


def test_nothing_is_missing_of_what_is_known(scaling):
    cells = scaling.cells_of(BenchmarkConfig(preset="quick"), scaling.PaperSets(), NO_TABLES)
    known = [record("6_cardio") | vars(cell) for cell in cells]
    model = CostModel.fit(measured_cells([record("6_cardio")]))
    assert scaling.missing("quick", known, model, Namespace(mirror=None, max_rows=None, train_sizes=None)).empty


def test_the_command_writes_the_page_and_its_tables(scaling, tmp_path, monkeypatch, capsys):
    store = CellStore(tmp_path / "cells")
    for name in SETS:
        store.write(record(name))
    store.write(record("6_cardio", "ecod", error="ValueError: no"))
    whole = BenchmarkConfig(datasets=["6_cardio"], train_sizes=[0.4], seeds=[0, 1, 2], detectors=["extra_trees"])
    monkeypatch.setattr(scaling, "whole_grid", lambda: whole)
    out = tmp_path / "scaling"
    monkeypatch.setattr(sys, "argv", ["scaling.py", str(store.folder), "--preset=table7", f"--out={out}"])
    scaling.main()
    page = out.with_suffix(".md").read_text()
    assert page in capsys.readouterr().out
    assert "6 cells that have not failed, 6.0 core-hours" in page
    assert "1 methods, 1 data sets, 1 train shares, 3 seeds: 3 cells, 3.0 core-hours" in page
    assert "| 2 | 2.0 | 1.5 |" in page
    assert "## Missing of table7: 456 cells" in page
    assert pd.read_csv(f"{out}.csv")["method"].tolist() == ["extra_trees"]
    assert pd.read_csv(f"{out}_missing.csv")["cells"].sum() == 456
