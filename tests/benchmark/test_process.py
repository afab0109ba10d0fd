"""What a process that measures may take."""

import os
import sys
import threading

import joblib
import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from swift_hydra_kedro.baselines.registry import DETECTORS
from swift_hydra_kedro.benchmark.process import PeakMemory, in_silence, one_thread
from swift_hydra_kedro.config import RunConfig, SwiftHydraConfig

MEGABYTE = 2**20
linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone counts")


def threads():
    """How many each library would take now."""
    pools = [pool["num_threads"] for pool in threadpool_info()]
    return {torch.get_num_threads(), joblib.effective_n_jobs(-1), *pools}


def test_every_library_gets_one_thread_and_afterwards_what_it_had(set_num_threads, monkeypatch):
    set_num_threads(3)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("MKL_NUM_THREADS", "3")
    before = threads()
    with one_thread():
        assert threads() == {1}
        assert os.environ["OMP_NUM_THREADS"] == os.environ["MKL_NUM_THREADS"] == "1"
    assert threads() == before
    assert "OMP_NUM_THREADS" not in os.environ
    assert os.environ["MKL_NUM_THREADS"] == "3"


@pytest.mark.parametrize("name", ["extra_trees", "isolation_forest"])
def test_forests_that_ask_for_all_cores_stay_in_this_thread(name, monkeypatch):
    started = []
    start = threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", lambda thread: started.append(thread) or start(thread))
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 3)), (np.arange(60) % 6 == 0).astype(int)
    forest = DETECTORS[name].build(RunConfig(), SwiftHydraConfig()).set_params(n_estimators=8, n_jobs=2)
    with one_thread():
        forest.fit(x, y)
        forest.decision_function(x) if hasattr(forest, "decision_function") else forest.predict_proba(x)
    assert started == []
    forest.fit(x, y)
    assert started  # as they do elsewhere


def test_catboost_takes_as_many_threads_as_it_may():
    pytest.importorskip("catboost")
    build = DETECTORS["catboost"].build
    with one_thread():
        assert build(RunConfig(), SwiftHydraConfig()).get_params()["thread_count"] == 1
    assert build(RunConfig(), SwiftHydraConfig()).get_params()["thread_count"] == joblib.effective_n_jobs(-1)


def test_bars_are_not_heard(capsys):
    with in_silence:
        print("bar", file=sys.stderr)
    print("heard", file=sys.stderr)
    assert capsys.readouterr().err == "heard\n"


def test_two_threads_are_silent_until_the_last_one_ends():
    before, inside, may_end = sys.stderr, threading.Event(), threading.Event()

    def other():
        with in_silence:
            inside.set()
            may_end.wait()

    thread = threading.Thread(target=other)
    with in_silence:
        thread.start()
        inside.wait()
    assert sys.stderr is not before
    may_end.set()
    thread.join()
    assert sys.stderr is before


@linux
def test_peak_memory_is_what_was_taken_at_most_even_if_only_for_a_moment():
    with PeakMemory() as idle:
        pass
    with PeakMemory() as peak:
        np.ones(200 * MEGABYTE, np.uint8)
    with PeakMemory() as again:
        pass
    assert 195 * MEGABYTE < peak.bytes - idle.bytes < 215 * MEGABYTE
    assert abs(again.bytes - idle.bytes) < 15 * MEGABYTE


def test_where_nobody_counts_nothing_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr("swift_hydra_kedro.benchmark.process._OWN", tmp_path / "missing")
    with PeakMemory() as peak:
        pass
    assert peak.bytes is None
