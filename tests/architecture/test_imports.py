"""The import directions of the house, held by import-linter (contracts in pyproject.toml)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
HEAVY = ("torch", "mlflow", "kedro", "kedro_mlflow", "sklearn", "pandas", "matplotlib")


def check_contracts(source: Path) -> subprocess.CompletedProcess[str]:
    """Run `lint-imports` on the package under `source`."""
    script = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
    )


def imported_by(statement: str) -> set[str]:
    """Those of the heavy packages that a fresh interpreter holds after `statement`."""
    script = f"import sys; {statement}; print(*(name for name in {HEAVY} if name in sys.modules))"
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(process.stdout.splitlines()[-1].split())  # after what Kedro logs


def test_contracts_are_kept():
    process = check_contracts(PROJECT / "src")
    assert process.returncode == 0, process.stdout


@pytest.mark.parametrize(
    ("module", "imported", "contract"),
    [
        ("config/base", "swift_hydra_kedro.models.layers", "imports run one way"),
        ("models/layers", "swift_hydra_kedro.detection.rows", "imports run one way"),
        ("detection/rows", "swift_hydra_kedro.synthesis.ppo", "imports run one way"),
        ("synthesis/ppo", "swift_hydra_kedro.data.table", "imports run one way"),
        ("estimator", "swift_hydra_kedro.baselines.registry", "imports run one way"),
        ("baselines/registry", "swift_hydra_kedro.pipelines.conversion", "imports run one way"),
        ("serving/logging", "swift_hydra_kedro.hooks", "imports run one way"),
        ("evaluation/metrics", "swift_hydra_kedro.data.table", "imports run one way"),
        ("data/table", "swift_hydra_kedro.models.layers", "data and evaluation know nothing of models"),
        ("scorer", "kedro.io", "the library knows nothing of Kedro"),
        ("serving/logging", "kedro.framework.session", "the library knows nothing of Kedro"),
        ("pipelines/conversion", "mlflow", "MLflow is the hooks', the metrics' and the served model's"),
        ("datasets/checkpoint", "kedro_mlflow.io", "MLflow is the hooks', the metrics' and the served model's"),
        ("scoring/table", "distributed", "Dask is the cluster's, and of those who send it work"),
        ("baselines/registry", "swift_hydra_kedro.benchmark.cell", "imports run one way"),
    ],
)
def test_an_import_the_other_way_breaks_the_contract(tmp_path, module, imported, contract):
    shutil.copytree(PROJECT / "src/swift_hydra_kedro", tmp_path / "swift_hydra_kedro")
    file = tmp_path / f"swift_hydra_kedro/{module}.py"
    file.write_text(f"{file.read_text()}\nimport {imported}\n")
    process = check_contracts(tmp_path)
    assert process.returncode == 1
    assert f"{contract} BROKEN" in process.stdout


def test_importing_the_package_imports_nothing_heavy():
    assert imported_by("import swift_hydra_kedro") == set()


def test_importing_the_configuration_imports_nothing_heavy():
    assert imported_by("import swift_hydra_kedro.config") == set()


def test_the_library_works_without_kedro_and_mlflow():
    library = "from swift_hydra_kedro import SwiftHydraClassifier; import swift_hydra_kedro.baselines.registry"
    assert imported_by(library) == {"torch", "sklearn", "pandas"}


def test_the_pipelines_are_there_without_matplotlib():
    pipelines = "from swift_hydra_kedro import settings, pipeline_registry; pipeline_registry.register_pipelines()"
    assert imported_by(pipelines) == set(HEAVY) - {"matplotlib"}


def test_imports_are_hardly_searched_for_garbage():
    script = """
import atexit, gc
atexit.register(lambda: print(gc.get_threshold()[0] > 5000, gc.get_freeze_count() > 100_000))
import swift_hydra_kedro.settings
print(gc.isenabled(), gc.get_freeze_count())
"""
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert process.stdout.splitlines()[-2:] == ["True 0", "True True"]


def test_an_unknown_name_in_the_package_is_an_attribute_error():
    import swift_hydra_kedro

    with pytest.raises(AttributeError, match="has no attribute 'SwiftHydraRegressor'"):
        swift_hydra_kedro.SwiftHydraRegressor  # noqa: B018
