import pytest
from kedro.io import DataCatalog, DatasetError

from swift_hydra_kedro.config import TableConfig, TablesConfig


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A Kedro project, with the working directory elsewhere."""
    (tmp_path / "project/data/01_raw").mkdir(parents=True)
    (tmp_path / "project/pyproject.toml").write_text("[tool.kedro]\n")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.delenv("ADBENCH_MIRROR", raising=False)
    return tmp_path / "project"


def catalog(project) -> DataCatalog:
    entry = {"type": "swift_hydra_kedro.datasets.RawTablesDataset", "filepath": str(project / "data/01_raw")}
    return DataCatalog.from_config({"raw_tables": entry})


def test_own_paths_start_at_the_project_from_any_working_directory(project):
    (project / "own.csv").write_text("a,y\n1,0\n2,1\n3,0\n")
    table = catalog(project).load("raw_tables").read("mine", TablesConfig({"mine": TableConfig(path="own.csv")}))
    assert table.label.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("value", "mirror"), [(None, None), ("", None), ("https://mirror.example", "https://mirror.example")]
)
def test_mirror_comes_from_the_environment(project, monkeypatch, value, mirror):
    if value is not None:
        monkeypatch.setenv("ADBENCH_MIRROR", value)
    raw = catalog(project).load("raw_tables")
    assert (raw.folder, raw.project, raw.mirror) == (project / "data/01_raw", project, mirror)


def test_outside_a_project_paths_start_at_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert catalog(tmp_path).load("raw_tables").project == tmp_path


def test_saving_is_refused(project):
    with pytest.raises(DatasetError, match="raw tables cannot be saved"):
        catalog(project).save("raw_tables", "anything")
