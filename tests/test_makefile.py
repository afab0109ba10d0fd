"""Targets of the Makefile that could cost a user something."""

import shutil
import subprocess
from pathlib import Path

MAKEFILE = Path(__file__).parents[1] / "Makefile"


def test_clean_removes_results_and_keeps_what_the_user_put_there(tmp_path):
    shutil.copy(MAKEFILE, tmp_path)
    own = ["data/01_raw/claims.csv", "conf/local/credentials.yml", "src/package/module.py", "tests/test_it.py"]
    made = ["data/06_models/digits/model.json", "data/08_reporting/report.html", ".venv/bin/python", "mlflow.db"]
    for name in own + made:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (tmp_path / "benchmarks").mkdir()
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True, capture_output=True)
    assert [name for name in own if not (tmp_path / name).exists()] == []
    assert [name for name in made if (tmp_path / name).exists()] == []
