"""What was interrupted or deleted is made again, and nothing else."""

import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from swift_hydra_kedro.pipeline_registry import register_pipelines

KEDRO = Path(sys.executable).with_name("kedro")
ENDLESS = "synthesis.episodes=100000,synthesis.patience=100000"


def written(project, dataset):
    """All files of a data set's runs with the time of their last change."""
    files = (project.folder / "data").rglob(f"{dataset}/**/*")
    return {path.relative_to(project.folder): path.stat().st_mtime_ns for path in files if path.is_file()}


def test_only_what_a_deleted_output_needs_is_made_again(workshop):
    workshop.run(only={"to_outputs": ["metrics"]}, dataset="sine")
    before = written(workshop, "sine")
    shutil.rmtree(workshop.files("06_models", "sine") / "committee")
    workshop.run(only={"to_outputs": ["metrics"], "only_missing_outputs": True}, dataset="sine")
    after = written(workshop, "sine")
    assert after.keys() == before.keys()
    changed = {path.name for path in after if after[path] != before[path]}
    made_by_the_node = {
        "tensors.safetensors",
        "state.json",
        "out_of_bag.parquet",
        "experts_history.csv",
        "experts.json",
    }
    assert changed == made_by_the_node
    folders = {path.parent.name for path in after if after[path] != before[path] and path.name == "state.json"}
    assert folders == {"committee", "drawn"}


@pytest.fixture(scope="module")
def interrupted(workshop):
    """`kedro run` from a folder within the project, interrupted by Ctrl-C while it generates anomalies."""
    command = [KEDRO, "run", "--env=smoke", "--pipeline=full", f"--params=dataset=sine,seed=7,{ENDLESS}"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command,
        cwd=workshop.folder / "data",
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # which workers of pytest-xdist ignore
    )
    os.set_blocking(process.stdout.fileno(), False)
    output, deadline = b"", time.monotonic() + 240
    while b"episodes:" not in output or b"mean_reward" not in output:
        assert process.poll() is None, output.decode()
        assert time.monotonic() < deadline, output.decode()
        output += process.stdout.read() or b""
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    os.set_blocking(process.stdout.fileno(), True)
    rest, _ = process.communicate(timeout=120)
    return process.returncode, (output + rest).decode()


def test_ctrl_c_ends_the_run_with_an_error_code(interrupted):
    code, _ = interrupted
    assert code not in (0, None)


def test_ctrl_c_shows_no_traceback(interrupted):
    _, output = interrupted
    assert "Traceback" not in output


def test_ctrl_c_leaves_nothing_of_the_stage_it_cut_short(interrupted, workshop):
    models = workshop.files("06_models", "sine", seed=7)
    earlier_stages = ["judge", "pretrained_cvae", "pretrained_detector", "reference"]
    assert sorted(path.name for path in models.iterdir()) == earlier_stages
    outputs = workshop.files("07_model_output", "sine", seed=7).rglob("*")
    assert [path for path in outputs if "synthe" in path.name] == []


def test_ctrl_c_leaves_no_half_written_output(interrupted, workshop):
    with workshop.session(dataset="sine", seed=7) as session:
        catalog = session.load_context().catalog
        outputs = register_pipelines()["full"].all_outputs() - {"mlflow_metrics"}
        there = {name for name in outputs if catalog.exists(name)}
        assert {"table", "train_rows", "pretrained_cvae", "pretraining_history"} <= there
        for name in there:
            catalog.load(name)  # raises where a file is not complete


def test_ctrl_c_does_not_count_as_a_finished_mlflow_run(interrupted, workshop):
    (tracked,) = workshop.tracked("tags.dataset = 'sine' and tags.seed = '7'")
    assert tracked.info.status in ("KILLED", "FAILED")


def test_an_interrupted_run_is_taken_up_where_it_stopped(interrupted, workshop):
    before = written(workshop, "sine")
    workshop.run(only={"only_missing_outputs": True}, dataset="sine", seed=7)
    after = written(workshop, "sine")
    assert (workshop.files("08_reporting", "sine", seed=7) / "report.html").is_file()
    assert {path: after[path] for path in before} == before


def test_results_of_another_budget_are_not_taken_up(finished):
    with pytest.raises(ValueError, match=r"'cluster' were made with detection.experts.n_experts = 4 \(now 7\)"):
        finished.run(only={"only_missing_outputs": True}, detection={"experts": {"n_experts": 7}})


def test_a_finished_run_is_taken_up_to_log_its_metrics_and_what_depends_on_nothing_else(workshop):
    workshop.run(dataset="sine", seed=8)
    before = written(workshop, "sine")
    workshop.run(only={"only_missing_outputs": True}, dataset="sine", seed=8)
    after = written(workshop, "sine")
    assert {path.name for path in after if after[path] != before[path]} == set()
    assert workshop.tracked()[0].data.metrics["swift_hydra_mome.auc_roc"] > 0.5


def test_a_table_that_other_settings_read_for_another_seed_is_not_taken_up(workshop):
    table = pd.DataFrame({"size": range(40), "broken": [0, 0, 0, 1] * 10, "returned": [0, 1, 0, 0] * 10})
    broken = workshop.write_table("parts", table, label="broken")
    returned = workshop.write_table("parts", table, label="returned")
    workshop.run("ingestion", **broken, seed=0)
    workshop.run("ingestion", only={"only_missing_outputs": True}, **broken, seed=1)
    with pytest.raises(ValueError, match=r"'ingest' were made with tables.label = 'broken' \(now 'returned'\)"):
        workshop.run("ingestion", only={"only_missing_outputs": True}, **returned, seed=1)


def test_a_table_that_has_changed_is_read_again_and_one_beside_it_does_not_matter(workshop):
    table = pd.DataFrame({"size": range(40), "y": [0, 0, 0, 1] * 10})
    own = workshop.write_table("orders", table)
    workshop.run("ingestion", **own, seed=0)
    more = own | {"tables": own["tables"] | workshop.write_table("others", table)["tables"]}
    workshop.run("ingestion", only={"only_missing_outputs": True}, **more, seed=0)
    workshop.write_table("orders", table[:30])
    changed = r"'ingest' were made with raw_tables.changed = .*, raw_tables.size = "
    with pytest.raises(ValueError, match=changed) as refusal:
        workshop.run("ingestion", only={"only_missing_outputs": True}, **own, seed=0)
    assert "another seed" not in str(refusal.value)
