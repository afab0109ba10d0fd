"""The benchmark over all baselines: whom it measures and how, what becomes of failures, and its page."""

import sys

import numpy as np
import pandas as pd
import pytest

from swift_hydra_kedro.baselines.method import Detector
from swift_hydra_kedro.baselines.registry import DETECTORS, OVERSAMPLERS, get_method
from swift_hydra_kedro.config import RunConfig, SwiftHydraConfig


@pytest.fixture
def baselines(benchmark_module):
    return benchmark_module("baselines")


@pytest.fixture
def folder(tmp_path):
    """Two tables, one with a row far out."""
    rng = np.random.default_rng(0)
    for name, far in (("1_near", 3), ("2_far", 1e6)):
        x, y = rng.normal(size=(120, 3)), (np.arange(120) % 10 == 0).astype(int)
        x[y == 1] += 4
        x[1] = far
        np.savez(tmp_path / f"{name}.npz", X=x, y=y)
    return tmp_path


class Broken:
    def fit(self, x, y):
        raise RuntimeError("no luck\nat all")


@pytest.fixture
def broken(monkeypatch):
    """A detector that always fails is registered."""
    entry = Detector(build=lambda run, config: Broken(), family="", paper="", supervision="supervised", max_rows=20)
    monkeypatch.setitem(DETECTORS, "broken", entry)


def call(baselines, monkeypatch, folder, methods):
    out = folder / "out/baselines.csv"
    options = ["--data", str(folder), "--train-sizes", "0.5", "--methods", methods, "--out", str(out)]
    monkeypatch.setattr("sys.argv", ["baselines.py", *options])
    baselines.main()
    return pd.read_csv(out), out.with_suffix(".md").read_text()


def test_every_detector_and_every_oversampler_is_measured_unless_some_are_named(baselines):
    assert set(baselines.METHODS) == {*DETECTORS, *(f"{name}__extra_trees" for name in OVERSAMPLERS)}


def test_results_and_failures_are_recorded_once(baselines, monkeypatch, folder, broken):
    results, page = call(baselines, monkeypatch, folder, "broken,extra_trees,rejex")
    again, _ = call(baselines, monkeypatch, folder, "broken,extra_trees,rejex")
    pd.testing.assert_frame_equal(results, again)
    assert results["method"].tolist() == ["broken", "extra_trees", "rejex"] * 2
    assert results["error"].tolist()[:3] == ["RuntimeError: no luck", *[np.nan] * 2]
    assert results["n_train"].tolist() == [60] * 6
    assert results["n_fitted"].tolist() == [20, 60, 60] * 2
    assert (results["auc_roc"].notna() == (results["method"] != "broken")).all()
    assert (results["rejected_share"].notna() == (results["method"] == "rejex")).all()
    assert "2 data sets, 2 splits without failures" in page
    assert "- broken on 1_near, seed 0: RuntimeError: no luck\n- broken on 2_far" in page


def test_rows_are_scaled_and_not_clipped_as_in_the_evaluation(baselines, benchmark_module, folder):
    cell = benchmark_module("splits").Split.read(folder / "2_far.npz", 0.5, 0)
    x, y, x_test, y_test = cell.scaled(clipped=False)
    rows = np.concatenate([x, x_test])
    assert abs(rows).max() > 10 >= abs(np.concatenate(cell.scaled()[::2])).max()
    (record,) = baselines.measure(cell, ["knn"])
    score = get_method("knn").fit(x, y, RunConfig(seed=0), SwiftHydraConfig()).score(x_test)
    assert record["auc_roc"] == benchmark_module("splits").ranking(y_test, score)["auc_roc"]


def test_a_name_or_library_that_is_missing_ends_it_before_anything_is_measured(baselines, monkeypatch, folder):
    with pytest.raises(SystemExit, match="unknown baseline 'nobody'"):
        call(baselines, monkeypatch, folder, "extra_trees,nobody")
    monkeypatch.setitem(sys.modules, "pyod", None)
    with pytest.raises(SystemExit, match="pyod is not installed"):
        call(baselines, monkeypatch, folder, "extra_trees,ecod")
    assert not (folder / "out").exists()


def test_means_and_seconds_are_of_the_splits_without_failures(baselines):
    records = [("x", "good", 0.9, 1.0), ("x", "poor", 0.5, 2.0), ("y", "good", 0.7, 3.0), ("y", "poor", 0.9, 4.0)]
    table = pd.DataFrame([*records, ("z", "good", 0.1, 9.0)], columns=["dataset", "method", "auc_roc", "fit_seconds"])
    table = table.assign(train_size=0.4, seed=0, predict_seconds=0.5, rejected_share=0.25, error=None)
    table["auc_pr"] = table["auc_roc"] / 2
    failed = table.iloc[[-1]].assign(method="poor", error="ValueError: z", auc_roc=np.nan, auc_pr=np.nan)
    failed[["fit_seconds", "predict_seconds"]] = np.nan
    page = baselines.page(pd.concat([table, failed], ignore_index=True))
    rows = {line.split(" | ")[0].strip("| "): line.strip("| ").split(" | ")[1:] for line in page.splitlines()}
    names = ["AUC-ROC", "rank by AUC-ROC", "AUC-PR", "rank by AUC-PR", "s to fit, all", "s to predict, all"]
    assert rows["method"] == [*names, "rejected rows"]
    assert rows["good"] == ["0.8000", "1.5000", "0.4000", "1.5000", "4.0000", "1.0000", "0.2500"]
    assert rows["poor"] == ["0.7000", "1.5000", "0.3500", "1.5000", "6.0000", "1.0000", "0.2500"]
    assert "- poor on z, seed 0: ValueError: z" in page
