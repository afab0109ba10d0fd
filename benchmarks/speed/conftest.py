"""What is timed: methods on ADBench tables. See `test_scoring.py`."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of all speed benchmarks."""
    parser.addoption("--data", type=Path, required=True, help="folder of ADBench .npz files")
    parser.addoption("--datasets", default="", help="file stems, joined by commas; without them all tabular ones")
    parser.addoption("--methods", default="", help="names of `METHODS`, joined by commas; without them all")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every method on every table; those of one table come after one another."""
    if "table" in metafunc.fixturenames:
        metafunc.parametrize("table", _tables(metafunc.config), ids=lambda file: file.stem, scope="module")
    if "method" in metafunc.fixturenames:
        wanted = _words(metafunc.config.getoption("--methods")) or list(metafunc.module.METHODS)
        metafunc.parametrize("method", wanted, scope="module")


def _tables(config: pytest.Config) -> list[Path]:
    named = _words(config.getoption("--datasets"))
    files = sorted(config.getoption("--data").glob("*.npz"), key=lambda file: file.stat().st_size)
    return [file for file in files if file.stem in named or not named]


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]
