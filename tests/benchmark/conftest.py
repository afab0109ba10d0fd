import time
from collections.abc import Callable
from pathlib import Path

import pytest

from swift_hydra_kedro.benchmark.cell import Budget
from swift_hydra_kedro.benchmark.grid import Cell
from swift_hydra_kedro.benchmark.store import CellStore
from swift_hydra_kedro.config import SwiftHydraConfig, TablesConfig
from swift_hydra_kedro.data.sources import RawTables

NO_TABLES = TablesConfig({})


@pytest.fixture(scope="session")
def budget() -> Budget:
    return Budget(SwiftHydraConfig(), 0.2, "cpu")


@pytest.fixture
def store(tmp_path) -> CellStore:
    return CellStore(tmp_path / "cells")


@pytest.fixture
def raw_tables(tmp_path) -> RawTables:
    return RawTables(tmp_path / "raw", tmp_path)


@pytest.fixture(scope="session")
def read() -> Callable:
    """Gives a data set that needs no file, by name."""
    return lambda dataset: RawTables(Path(), Path()).read(dataset, NO_TABLES)


def cell(detector="logistic_regression", dataset="sine", train_size=0.4, seed=0, oversampler=None) -> Cell:
    return Cell(dataset, train_size, seed, detector, oversampler)


def wait_until(holds, seconds=120):
    """What `holds` gives, once it is true."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found
