"""What is timed: methods on ADBench tables. See `test_scoring.py`."""

from __future__ import annotations

from pathlib import Path

import pytest
from splits import tables, words


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of all speed benchmarks."""
    parser.addoption("--data", type=Path, required=True, help="folder of ADBench .npz files")
    parser.addoption("--datasets", type=words, default=[], help="file stems, joined by commas; without them all")
    parser.addoption("--methods", type=words, default=[], help="names of `METHODS`, joined by commas; without them all")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every method on every table; those of one table come after one another."""
    option = metafunc.config.getoption
    if "table" in metafunc.fixturenames:
        files = tables(option("--data"), option("--datasets"))
        metafunc.parametrize("table", files, ids=lambda file: file.stem, scope="module")
    if "method" in metafunc.fixturenames:
        metafunc.parametrize("method", option("--methods") or list(metafunc.module.METHODS), scope="module")
