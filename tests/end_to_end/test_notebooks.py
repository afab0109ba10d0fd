"""The notebooks run from their first cell to their last."""

import shutil

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

from .project import SOURCE, Project

NOTEBOOKS = sorted((SOURCE / "notebooks").glob("*.ipynb"))
SECONDS = 300


@pytest.fixture(scope="module")
def project(tmp_path_factory, elsewhere):
    project = Project.create(tmp_path_factory.mktemp("notebooks"), elsewhere)
    shutil.copytree(SOURCE / "notebooks", project.folder / "notebooks")
    return project


def run(project, name, monkeypatch):
    """Results of the code cells, as text; an error in one is raised."""
    monkeypatch.setenv("KEDRO_ENV", "smoke")
    notebook = nbformat.read(project.folder / "notebooks" / name, as_version=4)
    resources = {"metadata": {"path": str(project.folder / "notebooks")}}
    NotebookClient(notebook, timeout=SECONDS, resources=resources).execute()
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def test_both_are_known_to_this_file():
    assert [path.name for path in NOTEBOOKS] == ["01_first_tour.ipynb", "02_your_own_table.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_results_are_kept_in_the_repository(path):
    cells = nbformat.read(path, as_version=4).cells
    assert all(not cell.outputs and cell.execution_count is None for cell in cells if cell.cell_type == "code")


def test_the_first_tour_shows_results_and_figures(project, monkeypatch):
    outputs = run(project, "01_first_tour.ipynb", monkeypatch)
    kinds = [kind for output in outputs for kind in output.get("data", {})]
    assert kinds.count("application/vnd.plotly.v1+json") == 3
    assert "text/markdown" in kinds
    assert any("swift_hydra_mome" in output.get("data", {}).get("text/html", "") for output in outputs)


def test_an_own_table_goes_from_csv_to_scores_and_reasons(project, monkeypatch):
    run(project, "02_your_own_table.ipynb", monkeypatch)
    new = pd.read_csv(project.folder / "data/01_raw/clinic_new.csv")
    scores = pd.read_csv(project.folder / "data/01_raw/clinic_scores.csv")
    assert scores["patient"].tolist() == new["patient"].tolist()
    assert scores["score"].between(0, 1).all()
    alerts = pd.read_csv(project.folder / "data/01_raw/clinic_scores.alerts.csv")
    assert set(alerts["patient"]) == set(scores[scores["is_anomaly"]]["patient"])
