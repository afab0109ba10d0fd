"""Cells on real worker processes: with the results of this process, and none lost when workers are killed."""

import os
import signal
import sys
import time
from threading import Timer

import cloudpickle
import pytest
from distributed import Client, LocalCluster, WorkerPlugin
from sklearn.dummy import DummyClassifier

from swift_hydra_kedro.baselines.method import Detector
from swift_hydra_kedro.baselines.registry import DETECTORS
from swift_hydra_kedro.benchmark.cell import run_cell
from swift_hydra_kedro.benchmark.runner import DEATHS, SETTINGS, run_cells
from swift_hydra_kedro.cluster import connect

from .conftest import cell, wait_until

CHANGING = {"fit_seconds", "predict_seconds", "peak_memory", "finished"}


def detector_that(act):
    """A registry entry whose fit begins with `act()`."""

    def build(run, config):
        class Acting(DummyClassifier):
            def fit(self, X, y):
                act()
                return super().fit(X, y)

        return Acting()

    return Detector(build=build, family="none", paper="none", library="sklearn", supervision="supervised")


def extra_detectors(folder):
    """Beside the registry's: one that kills its worker, one that fails, one that runs until it is told to stop."""
    ends, began = folder / "ends", folder / "began"

    def kill():
        os.kill(os.getpid(), signal.SIGKILL)

    def wait_for_the_end():
        with began.open("a") as file:
            file.write(f"{os.getpid()}\n")
        while not ends.exists():
            time.sleep(0.02)

    def fail():
        raise RuntimeError("no luck\nsecond line")

    return {"killer": detector_that(kill), "failing": detector_that(fail), "waiting": detector_that(wait_for_the_end)}


def registering(detectors):
    """What adds methods to a worker's registry, also to that of one which takes a dead one's place."""

    class Registering(WorkerPlugin):
        def setup(self, worker):
            from swift_hydra_kedro.baselines.registry import DETECTORS

            DETECTORS.update(detectors)

    return Registering()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module")
def client(folder):
    with connect(None, 2, "auto", SETTINGS) as client, pytest.MonkeyPatch.context() as patch:
        cloudpickle.register_pickle_by_value(sys.modules[__name__])
        extra = extra_detectors(folder)
        for name, detector in extra.items():
            patch.setitem(DETECTORS, name, detector)
        client.register_plugin(registering(extra))
        yield client


def stable(record):
    return {name: value for name, value in record.items() if name not in CHANGING}


def pids(client):
    return client.run(os.getpid)


def test_records_are_those_of_this_process_and_all_workers_do_their_part(client, budget, read):
    forests = ("extra_trees", "isolation_forest")
    cells = [cell(name, dataset) for dataset in ("sine", "breast_cancer") for name in forests]
    records = list(run_cells(client, cells, budget, read))
    here = [run_cell(read(one.dataset), one, budget) for one in cells]
    assert sorted(map(stable, records), key=str) == sorted(map(stable, here), key=str)
    assert all(record["peak_memory"] > 2**27 for record in records)


def test_as_many_cells_as_threads_are_under_way(client, budget, read):
    submitted, submit = [], client.submit
    client.submit = lambda *given, **more: submitted.append(given[0]) or submit(*given, **more)
    try:
        running = run_cells(client, [cell(seed=seed) for seed in range(6)], budget, read)
        for n_before, _ in enumerate(running):
            assert submitted.count(run_cell) - n_before <= 2
    finally:
        del client.submit
    assert submitted.count(run_cell) == 6
    assert len(submitted) == 7  # the table went once


def test_each_worker_has_one_thread_in_its_libraries(client):
    def threads():
        import joblib
        import torch
        from threadpoolctl import threadpool_info

        return torch.get_num_threads(), joblib.cpu_count(), max(pool["num_threads"] for pool in threadpool_info())

    assert set(client.run(threads).values()) == {(1, 1, 1)}


def test_a_failure_is_recorded_and_the_others_go_on(client, budget, read):
    records = list(run_cells(client, [cell("failing"), cell()], budget, read))
    assert {record["detector"]: record["error"] for record in records} == {
        "failing": "RuntimeError: no luck",
        "logistic_regression": None,
    }


def test_a_table_that_cannot_be_read_fails_its_cells_alone(client, budget, read):
    def broken(dataset):
        if dataset == "digits":
            raise FileNotFoundError("no such file")
        return read(dataset)

    cells = [cell(dataset=dataset, seed=seed) for dataset in ("digits", "sine") for seed in (0, 1)]
    records = list(run_cells(client, cells, budget, broken))
    errors = {(record["dataset"], record["seed"]): record["error"] for record in records}
    told = "FileNotFoundError: no such file"
    assert errors == {("digits", 0): told, ("digits", 1): told, ("sine", 0): None, ("sine", 1): None}


def test_cells_of_a_killed_worker_are_measured_by_another(client, budget, read, folder):
    (folder / "began").unlink(missing_ok=True)
    running = run_cells(client, [cell("waiting", seed=0), *(cell(seed=seed) for seed in range(4))], budget, read)
    records = [next(running)]
    (pid,) = wait_until(lambda: (folder / "began").exists() and (folder / "began").read_text().split())
    assert int(pid) in pids(client).values()
    os.kill(int(pid), signal.SIGKILL)
    (folder / "ends").touch()
    records += running
    (folder / "ends").unlink()
    assert len(records) == 5
    assert {record["error"] for record in records} == {None}
    assert len(set((folder / "began").read_text().split())) == 2


def test_a_cell_that_kills_its_workers_is_recorded_and_costs_no_other(client, budget, read):
    records = list(run_cells(client, [cell("killer"), *(cell(seed=seed) for seed in range(3))], budget, read))
    errors = {(record["detector"], record["seed"]): record["error"] for record in records}
    assert errors.pop(("killer", 0)).startswith("KilledWorker: Attempted to run task ")
    assert f"on {DEATHS} different workers" in next(r["error"] for r in records if r["detector"] == "killer")
    assert set(errors.values()) == {None}
    assert len(errors) == 3


def test_without_workers_the_driver_waits_for_one_and_says_so(budget, read, caplog):
    with LocalCluster(n_workers=0, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        records = run_cells(client, [cell()], budget, read)
        starting = Timer(1, cluster.scale, [1])
        starting.start()
        (record,) = records
        starting.join()
    assert record["error"] is None
    assert "has no worker: waiting for one" in caplog.text
