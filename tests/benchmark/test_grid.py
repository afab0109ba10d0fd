"""Presets, the cells of a grid, and their order."""

import sys

import pytest

from swift_hydra_kedro.baselines.registry import DETECTORS, get_method
from swift_hydra_kedro.benchmark import presets
from swift_hydra_kedro.benchmark.grid import Cell, cells_of, longest_first
from swift_hydra_kedro.config import BenchmarkConfig

from .conftest import NO_TABLES, cell


def cells(raw_tables, **settings):
    return cells_of(BenchmarkConfig(**settings), raw_tables, NO_TABLES)


def test_every_preset_has_its_grids():
    names = BenchmarkConfig.model_fields["preset"].annotation.__args__
    assert set(presets.PRESETS) == set(names)
    assert all(presets.grids_of(BenchmarkConfig(preset=name)) for name in names)


def test_the_default_needs_neither_files_nor_libraries_beyond_the_core(raw_tables):
    found = cells(raw_tables)
    assert len(found) == len(set(found)) == 21
    libraries = {entry.library for cell in found for entry in get_method(cell.method).entries}
    assert libraries <= {None, "sklearn", "imblearn"}
    assert not raw_tables.folder.exists()


def test_a_grid_is_the_product_of_what_is_set(raw_tables):
    found = cells(
        raw_tables,
        datasets=["sine", "digits"],
        train_sizes=[0.1, 0.2],
        seeds=[0, 1, 2],
        detectors=["extra_trees", "random_forest"],
        oversamplers=[None, "smote"],
    )
    assert len(set(found)) == 2 * 2 * 3 * 2 * 2
    assert Cell("digits", 0.2, 1, "random_forest", "smote") in found


def test_what_is_not_set_is_the_presets(raw_tables):
    found = cells(raw_tables, preset="table7", datasets=["sine"], seeds=[5])
    assert {cell.method for cell in found} == {"swift_hydra", "swift_hydra_traditional"}
    assert {(cell.train_size, cell.seed) for cell in found} == {(share, 5) for share in (0.4, 0.3, 0.2, 0.1)}


def test_over_samplers_that_are_set_feed_all_detectors_of_the_preset(raw_tables):
    found = cells(raw_tables, datasets=["sine"], oversamplers=["adasyn"])
    assert {cell.oversampler for cell in found} == {"adasyn"}
    assert "extra_trees" in {cell.detector for cell in found}


def test_files_of_the_mirror_are_found(raw_tables, tmp_path):
    (tmp_path / "mirror/Classical").mkdir(parents=True)
    (tmp_path / "mirror/Classical/6_cardio.npz").touch()
    there = type(raw_tables)(raw_tables.folder, raw_tables.project, str(tmp_path / "mirror"))
    found = cells(there, datasets="adbench", detectors=["extra_trees"])
    assert [cell.dataset for cell in found] == ["6_cardio"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"datasets": ["sin"]}, "no data set 'sin'; did you mean sine"),
        ({"detectors": ["extra_tree"]}, "unknown baseline 'extra_tree'"),
        ({"oversamplers": ["smot"]}, "unknown baseline 'smot"),
        ({"keep_rows_of": ["digit"]}, "no data set 'digit'; did you mean digits"),
    ],
)
def test_what_is_unknown_is_refused(raw_tables, settings, told):
    with pytest.raises(ValueError, match=told):
        cells(raw_tables, **settings)


def test_names_of_a_preset_are_looked_up_when_it_is_used(raw_tables, monkeypatch):
    monkeypatch.setitem(presets.PRESETS, "table4", lambda: (presets.Grid(("unheard_of",), datasets=("sine",)),))
    with pytest.raises(ValueError, match="'unheard_of'"):
        cells(raw_tables, preset="table4")


def test_a_missing_library_is_told(raw_tables, monkeypatch):
    monkeypatch.setitem(sys.modules, "xgboost", None)
    with pytest.raises(ImportError, match=r"xgboost-cpu is not installed"):
        cells(raw_tables, detectors=["xgboost"])


def test_an_over_sampler_that_feeds_the_mixture_has_its_name_alone():
    names = {"smote": "swift_hydra_no_synthesis", "smote__extra_trees": "extra_trees"}
    assert {cell(fed, oversampler="smote").method: fed for fed in names.values()} == names
    assert cell("ecod").method == "ecod"


def test_a_cells_hash_is_the_same_everywhere_and_of_no_other_cell():
    assert cell("ecod").hash == "e310c5c628f0aecb"
    different = [cell("ecod", **{name: value}) for name, value in {"seed": 1, "train_size": 0.3}.items()]
    assert len({one.hash for one in (cell("ecod"), *different, cell("ecod", oversampler="smote"))}) == 4


def test_the_longest_cells_are_the_first_and_a_data_sets_come_together():
    shapes = {"small": (200, 5), "large": (90_000, 40), "middle": (5000, 20)}
    detectors = ("extra_trees", "swift_hydra", "adgym_search")
    given = [cell(name, dataset) for dataset in shapes for name in detectors if name in DETECTORS]
    ordered = longest_first(given, shapes)
    assert [one.dataset for one in ordered] == [name for name in ("large", "middle", "small") for _ in ordered[::3]]
    for dataset in shapes:
        seconds = [one.estimate(shapes[dataset]) for one in ordered if one.dataset == dataset]
        assert seconds == sorted(seconds, reverse=True)


def test_a_detector_with_a_limit_is_expected_to_take_no_more_rows():
    assert (
        cell("knn").estimate((10**6, 10)) == cell("knn").estimate((10**5 * 2, 10)) < cell("ecod").estimate((10**6, 10))
    )
