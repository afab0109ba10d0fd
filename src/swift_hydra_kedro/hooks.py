"""What happens around a run: configuration, tracking, and the table at its end."""

from __future__ import annotations

import atexit
import hashlib
import subprocess
import threading
import time
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import mlflow
from kedro.config import OmegaConfigLoader
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from kedro.validation.parameter_validator import ParameterValidator
from kedro_mlflow.framework.hooks.mlflow_hook import MlflowHook as KedroMlflowHook
from mlflow.utils import chunk_list
from mlflow.utils.validation import MAX_PARAM_VAL_LENGTH, MAX_PARAMS_TAGS_PER_BATCH
from omegaconf import OmegaConf
from pydantic import BaseModel
from rich.console import Console

from swift_hydra_kedro import __version__
from swift_hydra_kedro.config import DetectionConfig, RunConfig
from swift_hydra_kedro.data.sink import beside
from swift_hydra_kedro.datasets import MlflowMetricsDataset
from swift_hydra_kedro.evaluation.leaderboard import render_leaderboard
from swift_hydra_kedro.models.runtime import choose_device
from swift_hydra_kedro.models.selective_scan import resolve_backend
from swift_hydra_kedro.resuming import PREFIX, NodeRecord, check_resumable, parameter_names

RECORDS = "node_records"
RAW_TABLES, TABLES = "raw_tables", "params:tables"
NAMED_MODEL = "model"
PATHS = ("input", "output", NAMED_MODEL)  # of the scoring pipeline, read by catalog.yml
WIDTH_OF_LOGS = 120


class ProjectConfigLoader(OmegaConfigLoader):
    """Kedro's loader, with two resolvers.

    `${project:}` is the project's root, from whatever working directory; `${beside:table,ending,folder}` a file that
    belongs to a table and lies beside it, or in a folder of this machine, as MLflow asks of artifacts, if the table is
    elsewhere.
    """

    def __init__(self, conf_source: str, *args: Any, **kwargs: Any) -> None:
        root = Path(conf_source).absolute().parent
        own = {"project": lambda: root.as_posix(), "beside": _beside}
        kwargs["custom_resolvers"] = own | (kwargs.get("custom_resolvers") or {})
        for name in own:
            OmegaConf.clear_resolver(name)  # resolvers are global; another project may have left its own
        super().__init__(conf_source, *args, **kwargs)


class MlflowHook(KedroMlflowHook):
    """kedro-mlflow's hook, with parameters flattened out of pydantic models and tags that say what a run was."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()  # of what is logged, where nodes run in threads

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Start the run and tag it."""
        self._logged: set[str] = set()
        tags = _tags(run_params, catalog)  # first: what fails here must not leave a run behind
        super().before_pipeline_run(run_params=run_params, pipeline=pipeline, catalog=catalog)
        if self._is_mlflow_enabled:
            mlflow.set_tags(tags)
            atexit.register(_end_interrupted_run)

    @hook_impl
    def before_node_run(self, node: Node, catalog: DataCatalog, inputs: dict[str, Any], is_async: bool) -> None:
        """Log the node's parameters, one MLflow parameter for each field, unless an earlier node had them."""
        with self._lock:
            plain = {name: _plain(value) for name, value in inputs.items() if name not in self._logged}
            self._logged |= {name for name in plain if name.startswith(PREFIX)}
            self._collected: dict[str, Any] = {}
            super().before_node_run(node=node, catalog=catalog, inputs=plain, is_async=is_async)
            for batch in chunk_list(list(self._collected.items()), MAX_PARAMS_TAGS_PER_BATCH):
                mlflow.log_params(dict(batch))

    def _log_param(self, name: str, value: Any) -> None:
        """Keep what is short for one request: a database takes some ten milliseconds for each."""
        if len(str(value)) > MAX_PARAM_VAL_LENGTH:
            super()._log_param(name, value)
        else:
            self._collected[name] = value


class RunHook:
    """Checks before a run what the parameters' types cannot say, and prints the results after it."""

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Refuse unknown parameters and baselines, and a model that cannot be gone on from, before anything trains."""
        _check_runtime_parameters(run_params.get("runtime_params") or {}, catalog)
        _check_named_model(run_params.get("runtime_params") or {}, pipeline)
        if any("earlier" in node.outputs for node in pipeline.nodes):  # the model that training goes on from
            _check_warm_start(_run_config(catalog), DetectionConfig.model_validate(catalog.load("params:detection")))
        if "params:evaluation" in pipeline.inputs():
            from swift_hydra_kedro.baselines.registry import check_names

            check_names(catalog.load("params:evaluation").baselines)

    @hook_impl
    def after_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Print the leaderboard, and where to look further."""
        if "metrics" not in pipeline.datasets():
            return
        run = _run_config(catalog)
        console = Console(width=None if Console().is_terminal else WIDTH_OF_LOGS)
        title = f"{run.dataset}, train share {run.train_size}, seed {run.seed}"
        console.print(render_leaderboard(catalog.load("metrics"), title))
        folder = (
            Path(run_params["project_path"])
            / "data/08_reporting"
            / run.dataset
            / f"train_{run.train_size}"
            / f"seed_{run.seed}"
        )
        console.print(
            f"Report:    {folder / 'report.html'}\nMetrics:   {folder / 'metrics.json'}",
            soft_wrap=True,
            highlight=False,
        )
        console.print("MLflow UI: make ui\nKedro-Viz: make viz", highlight=False)


class ResumeHook:
    """Records what each node ran with, and lets `--only-missing-outputs` build on nothing else.

    A record is named by where the node's results lie, so that runs which share results share their record.
    """

    def __init__(self) -> None:
        self._saving: dict[str, tuple[DataCatalog, NodeRecord, set[str]]] = {}  # by node; what is still to be saved

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Refuse to go on from what other inputs made."""
        if not run_params.get("only_missing_outputs"):
            return
        found = catalog.load(RECORDS) if catalog.exists(RECORDS) else {}
        names = {node.name: _record_name(node, catalog) for node in pipeline.nodes}
        records = {name: found[record]() for name, record in names.items() if record in found}
        inputs = {name: _setting(name, catalog.load, catalog) for name in pipeline.all_inputs()}
        check_resumable(pipeline, records, inputs, __version__, lambda node: _is_done(node, catalog))

    @hook_impl
    def after_node_run(self, node: Node, catalog: DataCatalog, inputs: dict[str, Any]) -> None:
        """Before results are saved: say so in the node's record, as they may be old and new ones if that fails."""
        if not _kept(node, catalog):
            return
        settings = {name: _setting(name, inputs.__getitem__, catalog) for name in node.inputs}
        record = NodeRecord(version=__version__, inputs=settings, ended=None)
        self._saving[node.name] = catalog, record, set(node.outputs)
        catalog.save(RECORDS, {_record_name(node, catalog): record})

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, node: Node) -> None:
        """Complete the node's record when the last of its results is there."""
        if node.name not in self._saving:
            return
        catalog, record, missing = self._saving[node.name]
        missing.discard(dataset_name)
        if not missing:
            del self._saving[node.name]
            catalog.save(RECORDS, {_record_name(node, catalog): record | {"ended": time.time()}})


def _beside(table: str, ending: str, folder: str) -> str:
    return beside(f"{folder}/{table.rpartition('/')[2]}" if "://" in table else table, ending)


def _is_done(node: Node, catalog: DataCatalog) -> bool:
    kept = _kept(node, catalog)
    return bool(kept) and all(catalog.exists(name) for name in kept)


def _kept(node: Node, catalog: DataCatalog) -> list[str]:
    """The outputs that last: metrics belong to an MLflow run, and each run logs its own."""
    return [name for name in node.outputs if not isinstance(catalog.get(name), MlflowMetricsDataset)]


def _record_name(node: Node, catalog: DataCatalog) -> str:
    places = "".join(str(catalog.get(name)) for name in _kept(node, catalog))
    return f"{node.name}-{hashlib.sha256(places.encode()).hexdigest()[:16]}"


def _setting(name: str, value_of: Callable[[str], Any], catalog: DataCatalog) -> Any:
    """A parameter's value, or where a data set lies; of own tables, what concerns the one that is read."""
    if name == TABLES:
        return _plain(value_of(name).root.get(_run_config(catalog).dataset))
    if name == RAW_TABLES:
        version = catalog.load(name).version_of(_run_config(catalog).dataset, catalog.load(TABLES))
        return {"source": str(catalog.get(name)), **version}
    return _plain(value_of(name)) if name.startswith(PREFIX) else str(catalog.get(name))


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


def _check_warm_start(run: RunConfig, detection: DetectionConfig) -> None:
    if run.warm_start is None:
        return
    from swift_hydra_kedro.pipelines.conversion import to_earlier  # most runs do without
    from swift_hydra_kedro.serving.training_state import load_training

    if earlier := to_earlier(load_training(run.warm_start), run):
        earlier.check(detection)


def _check_named_model(given: dict[str, Any], pipeline: Pipeline) -> None:
    """Refuse a model by name where it would not be for new rows: evaluation is of the run's own."""
    if NAMED_MODEL not in given:
        return
    with_model = [node for node in pipeline.nodes if "model" in (*node.inputs, *node.outputs)]
    if not with_model or not all("new_rows" in node.inputs for node in with_model):
        raise ValueError(
            f"--params={NAMED_MODEL}=... is for --pipeline=scoring and --pipeline=explanation alone; training goes on "
            "from a model by warm_start=..."
        )


def _check_runtime_parameters(given: dict[str, Any], catalog: DataCatalog) -> None:
    """Refuse what `--params` misspells, and what would part a run from the folders named after it.

    Kedro validates what nodes of this run read, and not a stage that is named for nothing.
    """
    shortcuts = [name for name in RunConfig.model_fields if name != "device"]
    known = {*shortcuts, *PATHS, *(name for pipeline in pipelines.values() for name in parameter_names(pipeline))}
    for name in given.keys() - known:
        close = get_close_matches(name, known, n=1)
        raise ValueError(
            f"there is no parameter {name!r}{f'; did you mean {close[0]!r}?' if close else ':'} "
            f"--params takes {', '.join(sorted(known))}"
        )
    if stages := {name: _plain(catalog.load(f"{PREFIX}{name}")) for name in given.keys() - set(shortcuts)}:
        ParameterValidator(dict(pipelines)).validate_raw_params(stages)
    for name in shortcuts:
        if name in (given.get("run") or {}):
            raise ValueError(f"write --params={name}=..., not run.{name}: the folders of a run are named by it")


def _end_interrupted_run() -> None:
    """Mark a run that Ctrl-C cut short; Kedro calls no hook then, and MLflow would call it finished."""
    if mlflow.active_run() is not None:
        mlflow.end_run("KILLED")


def _run_config(catalog: DataCatalog) -> RunConfig:
    return RunConfig.model_validate(catalog.load("params:run"))


def _tags(run_params: dict[str, Any], catalog: DataCatalog) -> dict[str, str]:
    run = _run_config(catalog)
    detection = DetectionConfig.model_validate(catalog.load("params:detection"))
    mamba = detection.experts.mamba
    backend = resolve_backend(mamba.backend, choose_device(run.device), mamba.several_tokens)
    return {
        "dataset": run.dataset,
        "train_size": str(run.train_size),
        "seed": str(run.seed),
        "backend": backend,
        "budget": run_params.get("env") or "base",
        "git_revision": _git_revision(run_params["project_path"]),
    }


def _git_revision(folder: str) -> str:
    """Commit of the project, `+` where files differ from it; `none` outside a repository."""
    command = ["git", "-C", folder, "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "none"
