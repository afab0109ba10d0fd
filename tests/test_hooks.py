"""The configuration loader, and what the hooks add to a run."""

import os
import subprocess
import sys
from types import SimpleNamespace
from unittest.mock import Mock

import pandas as pd
import pytest
from kedro.framework.hooks.manager import _create_hook_manager
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import node, pipeline
from kedro.runner import SequentialRunner
from kedro_datasets.json import JSONDataset
from kedro_datasets.pandas import CSVDataset
from kedro_datasets.partitions import PartitionedDataset
from kedro_mlflow.framework.hooks.mlflow_hook import MlflowHook as KedroMlflowHook

from swift_hydra_kedro.config import DetectionConfig, EvaluationConfig, RunConfig
from swift_hydra_kedro.hooks import MlflowHook, ProjectConfigLoader, ResumeHook, RunHook


def project(folder, **files):
    """A project folder with a `conf` of one environment."""
    (folder / "conf/base").mkdir(parents=True)
    (folder / "conf/local").mkdir()
    for name, text in files.items():
        (folder / f"conf/base/{name}.yml").write_text(text)
    return folder


def load(folder, name):
    loader = ProjectConfigLoader(
        str(folder / "conf"),
        base_env="base",
        default_run_env="local",
        config_patterns={name: [f"{name}*"]},
    )
    return loader[name]


def test_project_stands_for_the_folder_that_holds_conf(tmp_path, monkeypatch):
    folder = project(tmp_path / "one", mlflow="uri: sqlite:///${project:}/mlflow.db")
    monkeypatch.chdir(tmp_path)
    assert load(folder, "mlflow") == {"uri": f"sqlite:///{folder}/mlflow.db"}


def test_a_relative_conf_gives_an_absolute_project(tmp_path, monkeypatch):
    project(tmp_path, mlflow="uri: ${project:}/x")
    monkeypatch.chdir(tmp_path)
    loader = ProjectConfigLoader(
        "conf", base_env="base", default_run_env="local", config_patterns={"mlflow": ["mlflow*"]}
    )
    assert loader["mlflow"] == {"uri": f"{tmp_path}/x"}


def test_two_projects_in_one_process_keep_their_own_folders(tmp_path):
    folders = [project(tmp_path / name, mlflow="uri: ${project:}") for name in ("one", "two")]
    assert [load(folder, "mlflow")["uri"] for folder in folders] == [str(folder) for folder in folders]


def test_other_resolvers_of_the_settings_stay(tmp_path):
    folder = project(tmp_path, mlflow="uri: ${twice:ab}${project:}")
    loader = ProjectConfigLoader(
        str(folder / "conf"),
        base_env="base",
        default_run_env="local",
        config_patterns={"mlflow": ["mlflow*"]},
        custom_resolvers={"twice": lambda text: 2 * text},
    )
    assert loader["mlflow"] == {"uri": f"abab{folder}"}


@pytest.fixture
def started(monkeypatch):
    """Stand-ins for MLflow and kedro-mlflow's own hook: the names of what was called, and the tags."""
    calls = SimpleNamespace(runs=0, tags={})

    def start(hook, **_):
        calls.runs += 1
        hook._is_mlflow_enabled = True

    monkeypatch.setattr(KedroMlflowHook, "before_pipeline_run", start)
    monkeypatch.setattr("mlflow.set_tags", calls.tags.update)
    return calls


def start(folder, parameters, env="smoke"):
    data = DataCatalog({})
    for name, value in parameters.items():
        data[name] = value
    hook = MlflowHook()
    hook.before_pipeline_run(run_params={"env": env, "project_path": str(folder)}, pipeline=pipeline([]), catalog=data)
    return hook


PARAMETERS = {
    "params:run": RunConfig(dataset="sine", train_size=0.25, seed=3, device="cpu"),
    "params:detection": DetectionConfig(),
}


def test_parameters_of_a_node_are_logged_at_once_and_no_second_time(tmp_path, started, monkeypatch):
    requests = []
    monkeypatch.setattr("mlflow.log_params", requests.append)
    hook = start(tmp_path, PARAMETERS)
    hook.flatten = True
    inputs = PARAMETERS | {"table": [1.0]}
    for _ in range(2):
        hook.before_node_run(node=None, catalog=None, inputs=inputs, is_async=False)
    assert max(map(len, requests)) <= 100
    logged = {name: value for request in requests for name, value in request.items()}
    assert sum(map(len, requests)) == len(logged) > 50
    assert logged["run.dataset"] == "sine"
    assert logged["detection.experts.n_experts"] == DetectionConfig().experts.n_experts
    assert not any(name.startswith("table") for name in logged)


def git(folder, *words):
    identity = ["-c", "user.name=me", "-c", "user.email=me@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(folder), *identity, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path):
    """A folder under git with one committed file."""
    git(tmp_path, "init")
    (tmp_path / "file").write_text("1")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "--message=first")
    return tmp_path


def test_tags_name_data_set_split_backend_and_budget(tmp_path, started):
    start(tmp_path, PARAMETERS)
    assert started.tags == {
        "dataset": "sine",
        "train_size": "0.25",
        "seed": "3",
        "backend": "torch",
        "budget": "smoke",
        "git_revision": "none",
    }


@pytest.mark.parametrize("env", [None, ""])
def test_without_an_environment_the_budget_is_base(tmp_path, started, env):
    start(tmp_path, PARAMETERS, env)
    assert started.tags["budget"] == "base"


def test_git_revision_is_the_commit(repository, started):
    start(repository, PARAMETERS)
    assert started.tags["git_revision"] == git(repository, "rev-parse", "HEAD")


def test_git_revision_of_changed_files_has_a_plus(repository, started):
    (repository / "file").write_text("2")
    start(repository, PARAMETERS)
    assert started.tags["git_revision"] == git(repository, "rev-parse", "HEAD") + "+"


def test_git_revision_is_the_commit_even_where_it_has_a_tag(repository, started):
    git(repository, "tag", "--annotate", "v1", "--message=v1")
    start(repository, PARAMETERS)
    assert started.tags["git_revision"] == git(repository, "rev-parse", "HEAD")


def test_without_git_the_revision_is_none(tmp_path, started, monkeypatch):
    monkeypatch.setenv("PATH", os.devnull)
    start(tmp_path, PARAMETERS)
    assert started.tags["git_revision"] == "none"


def test_tags_that_cannot_be_made_start_no_run(tmp_path, started, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ValueError, match="finds no CUDA device"):
        start(tmp_path, PARAMETERS | {"params:run": RunConfig(device="cuda")})
    assert started.runs == 0


def test_unknown_baselines_are_refused_before_the_run():
    data = DataCatalog({})
    data["params:evaluation"] = EvaluationConfig(baselines=("smote", "smoke"))
    measuring = pipeline([node(lambda evaluation: 1, inputs="params:evaluation", outputs="metrics")])
    with pytest.raises(ValueError, match=r"unknown baseline 'smoke'.*'smote'"):
        RunHook().before_pipeline_run(run_params={}, pipeline=measuring, catalog=data)


def test_a_missing_library_is_told_before_the_run(monkeypatch):
    monkeypatch.setitem(sys.modules, "xgboost", None)
    data = DataCatalog({})
    data["params:evaluation"] = EvaluationConfig(baselines=("extra_trees", "xgboost"))
    measuring = pipeline([node(lambda evaluation: 1, inputs="params:evaluation", outputs="metrics")])
    with pytest.raises(ImportError, match=r"xgboost-cpu is not installed: pip install .*\[benchmark\]"):
        RunHook().before_pipeline_run(run_params={}, pipeline=measuring, catalog=data)


def test_a_pipeline_without_evaluation_needs_no_baselines():
    RunHook().before_pipeline_run(run_params={}, pipeline=pipeline([]), catalog=DataCatalog({}))


METRICS = {
    "swift_hydra_mome": {
        "auc_roc": 0.987,
        "auc_roc_unseen": 0.986,
        "auc_pr": 0.5,
        "per_class": {c: {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 3} for c in ("0", "1")},
        "threshold": 0.2,
        "fit_seconds": 1.0,
        "predict_seconds": 0.1,
    },
    "data": {"n_train": 1, "n_test": 1, "n_features": 1, "anomaly_share": 0.1, "duplicate_test_share": 0.0},
}


def test_the_leaderboard_ends_a_run_with_where_to_look_further(tmp_path, capsys):
    data = DataCatalog({})
    for name, value in (PARAMETERS | {"metrics": METRICS}).items():
        data[name] = value
    measuring = pipeline([node(lambda run: METRICS, inputs="params:run", outputs="metrics")])
    RunHook().after_pipeline_run(run_params={"project_path": str(tmp_path)}, pipeline=measuring, catalog=data)
    printed = capsys.readouterr().out
    assert "sine, train share 0.25, seed 3" in printed
    assert "0.987" in printed
    assert f"{tmp_path}/data/08_reporting/sine/train_0.25/seed_3/report.html" in printed


def test_a_run_without_metrics_ends_silently(tmp_path, capsys):
    RunHook().after_pipeline_run(
        run_params={"project_path": str(tmp_path)}, pipeline=pipeline([]), catalog=DataCatalog({})
    )
    assert capsys.readouterr().out == ""


@pytest.fixture
def cutting(tmp_path):
    """Run a node that writes a threshold to a place, or ask whether what is there may be taken up."""
    manager = _create_hook_manager()
    manager.register(ResumeHook())
    steps = pipeline([node(lambda threshold: pd.DataFrame({"t": [threshold]}), "params:threshold", "out", name="cut")])

    def catalog(threshold, place):
        records = PartitionedDataset(path=str(tmp_path / "records"), dataset=JSONDataset, filename_suffix=".json")
        out = CSVDataset(filepath=str(tmp_path / place / "out.csv"))
        return DataCatalog({"params:threshold": MemoryDataset(threshold), "out": out, "node_records": records})

    def run(threshold, place="here"):
        SequentialRunner().run(steps, catalog(threshold, place), hook_manager=manager)

    def take_up(threshold, place="here"):
        ResumeHook().before_pipeline_run({"only_missing_outputs": True}, steps, catalog(threshold, place))

    return SimpleNamespace(run=run, take_up=take_up)


def test_results_are_taken_up_with_equal_parameters_alone(cutting):
    cutting.run(0.2)
    cutting.take_up(0.2)
    with pytest.raises(ValueError, match=r"threshold = 0.2 \(now 0.9\)"):
        cutting.take_up(0.9)


def test_results_elsewhere_have_a_record_of_their_own(cutting):
    cutting.run(0.2)
    cutting.run(0.9, "there")
    cutting.take_up(0.2)
    cutting.take_up(0.9, "there")
    cutting.take_up(0.5, "nowhere")  # there is nothing to take up


def test_results_whose_saving_failed_are_not_taken_up(cutting, monkeypatch):
    cutting.run(0.2)
    with monkeypatch.context() as patch:
        patch.setattr(CSVDataset, "save", Mock(side_effect=OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            cutting.run(0.9)
    for threshold in (0.2, 0.9):
        with pytest.raises(ValueError, match="'cut' were made in part"):
            cutting.take_up(threshold)
    cutting.run(0.9)
    cutting.take_up(0.9)
