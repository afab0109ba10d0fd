"""What SIGKILL leaves of a benchmark, and two machines without a file in common; in processes of their own."""

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import psutil
import pytest

from swift_hydra_kedro.benchmark.run import run_benchmark
from swift_hydra_kedro.benchmark.store import CellStore
from swift_hydra_kedro.config import BenchmarkConfig, TableConfig, TablesConfig
from swift_hydra_kedro.data.sources import RawTables

from .conftest import NO_TABLES, wait_until

GRID = {"datasets": ["sine"], "train_sizes": [0.4], "seeds": list(range(12)), "detectors": ["extra_trees"]}
DRIVER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from swift_hydra_kedro.benchmark.cell import Budget
    from swift_hydra_kedro.benchmark.run import run_benchmark
    from swift_hydra_kedro.benchmark.store import CellStore
    from swift_hydra_kedro.config import BenchmarkConfig, SwiftHydraConfig, TablesConfig
    from swift_hydra_kedro.data.sources import RawTables

    if __name__ == "__main__":
        raw_tables, store = RawTables(Path("raw"), Path()), CellStore(Path("cells"))
        config = BenchmarkConfig.model_validate_json(sys.argv[1])
        run_benchmark(config, Budget(SwiftHydraConfig(), 0.2, "cpu"), raw_tables, TablesConfig({}), store)
    """
)


@pytest.fixture
def start(request):
    """Start a process in a folder of its own, which is killed at the end."""

    def start(folder, *command):
        folder.mkdir(exist_ok=True)
        with (folder / "log").open("w") as log:
            process = subprocess.Popen([sys.executable, *command], cwd=folder, stdout=log, stderr=log)
        request.addfinalizer(process.wait)
        request.addfinalizer(process.kill)
        return process

    return start


def test_a_killed_driver_loses_the_cells_in_flight_alone_and_leaves_no_worker(start, tmp_path, budget, raw_tables):
    (tmp_path / "driver.py").write_text(DRIVER)
    store = CellStore(tmp_path / "run/cells")
    driver = start(tmp_path / "run", "../driver.py", BenchmarkConfig(**GRID, workers=1).model_dump_json())
    wait_until(lambda: len(store.read()) >= 3)
    workers = psutil.Process(driver.pid).children(recursive=True)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    known = store.read()
    assert 3 <= len(known) < 12
    assert known["auc_roc"].notna().all()
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert alive == []
    summary = run_benchmark(BenchmarkConfig(**GRID, workers=1), budget, raw_tables, NO_TABLES, store)
    assert (summary["n_known"], summary["n_failed"]) == (len(known), 0)
    assert sorted(store.read()["seed"]) == list(range(12))


@pytest.fixture
def scheduler(start, tmp_path):
    """Address of a scheduler in a folder of its own, and the process."""
    process = start(tmp_path / "scheduler", "-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", "0")
    log = tmp_path / "scheduler/log"
    (line,) = wait_until(lambda: [line for line in log.read_text().splitlines() if "Scheduler at:" in line])
    return line.split()[-1], process


def own_table(project, n=300):
    """A table that only the driver can find, by a path from its project."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(n, 3)), (np.arange(n) % 10 == 0).astype(int)
    x[y == 1] += 2
    project.mkdir()
    np.savez(project / "own.npz", X=x, y=y)
    return TablesConfig({"own": TableConfig(path="own.npz")})


def test_two_workers_of_a_scheduler_have_no_file_in_common_with_the_driver(start, scheduler, tmp_path, budget):
    address, process = scheduler
    for host in ("one", "two"):
        start(
            tmp_path / host,
            "-m",
            "dask",
            "worker",
            address,
            "--nthreads",
            "1",
            "--name",
            host,
            "--no-nanny",
            "--no-dashboard",
        )
    tables, project = own_table(tmp_path / "project"), tmp_path / "project"
    raw_tables, store = RawTables(project / "raw", project), CellStore(project / "cells")
    grid = BenchmarkConfig(
        datasets=["own"], train_sizes=[0.4], seeds=range(6), detectors=["extra_trees"], scheduler=address
    )
    for host in ("one", "two"):
        wait_until(lambda host=host: "Registered to" in (tmp_path / host / "log").read_text())
    summary = run_benchmark(grid, budget, raw_tables, tables, store)
    assert (summary["n_measured"], summary["n_failed"]) == (6, 0)
    assert (store.read()["auc_roc"] > 0.9).all()
    assert sorted(path.name for path in (tmp_path / "one").iterdir() if path.is_file()) == ["log"]

    def kill_the_scheduler(record):
        os.kill(process.pid, signal.SIGKILL)

    more = grid.model_copy(update={"seeds": tuple(range(40))})
    with pytest.raises(ConnectionError, match="is lost; what is finished is kept"):
        run_benchmark(more, budget, raw_tables, tables, store, kill_the_scheduler)
    assert 7 <= len(store.read()) < 40
