"""Benchmarks are scripts: their folder is on the path while they are tested."""

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark_module(monkeypatch) -> Callable[[str], ModuleType]:
    """Import a script of `benchmarks/` by its name."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module
