"""The same grid with more workers: seconds of a real run, and no figures of one that failed."""

import pytest

from swift_hydra_kedro.config import BenchmarkConfig

GRID = {"datasets": ["sine"], "train_sizes": [0.4], "detectors": ["logistic_regression"]}


@pytest.fixture
def workers(benchmark_module):
    return benchmark_module("workers")


def test_seconds_of_a_run(workers):
    line = workers.measure(BenchmarkConfig(**GRID, seeds=[0, 1, 2], workers=2))
    assert (line["workers"], line["cells"]) == (2, 3)
    assert line["wall"] > line["start"] > 0
    assert 0 < line["busy"] < 1
    assert line["in cells"] / 2 <= line["list schedule"] < line["in cells"]


def test_a_failed_cell_is_no_measurement(workers, monkeypatch):
    def run_benchmark(*arguments):
        return {"n_failed": 1, "failures": {"ValueError: no": 1}, "seconds": 1.0}

    monkeypatch.setattr(workers, "run_benchmark", run_benchmark)
    with pytest.raises(RuntimeError, match="1 cells have failed"):
        workers.measure(BenchmarkConfig(**GRID, seeds=[0]))
