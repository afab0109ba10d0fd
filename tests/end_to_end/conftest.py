from pathlib import Path

import mlflow
import pytest

from .project import Project


@pytest.fixture(autouse=True)
def closed_runs():
    """A run that a test leaves open would take in the next test's."""
    yield
    while mlflow.active_run():
        mlflow.end_run("KILLED")


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory) -> Path:
    """A working directory outside of any project."""
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture(scope="session")
def finished(tmp_path_factory, elsewhere) -> Project:
    """A project in which the full pipeline ran once, on the default data set. Only to be read."""
    project = Project.create(tmp_path_factory.mktemp("finished"), elsewhere)
    project.run()
    return project


@pytest.fixture(scope="session")
def workshop(tmp_path_factory, elsewhere) -> Project:
    """A project for any further runs: each test takes a data set or a seed of its own."""
    return Project.create(tmp_path_factory.mktemp("workshop"), elsewhere)
