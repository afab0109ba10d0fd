"""What happens around a run: configuration, tracking, and the table at its end."""

from __future__ import annotations

import atexit
import subprocess
from pathlib import Path
from typing import Any

import mlflow
from kedro.config import OmegaConfigLoader
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from kedro_mlflow.framework.hooks.mlflow_hook import MlflowHook as KedroMlflowHook
from omegaconf import OmegaConf
from pydantic import BaseModel
from rich.console import Console

from swift_hydra_kedro.config import DetectionConfig, RunConfig
from swift_hydra_kedro.evaluation.leaderboard import render_leaderboard
from swift_hydra_kedro.models.runtime import choose_device
from swift_hydra_kedro.models.selective_scan import resolve_backend

WIDTH_OF_LOGS = 120


class ProjectConfigLoader(OmegaConfigLoader):
    """Kedro's loader, with the resolver `${project:}`: the project's root, from whatever working directory."""

    def __init__(self, conf_source: str, *args: Any, **kwargs: Any) -> None:
        root = Path(conf_source).absolute().parent
        kwargs["custom_resolvers"] = {"project": lambda: root.as_posix()} | (kwargs.get("custom_resolvers") or {})
        OmegaConf.clear_resolver("project")  # resolvers are global; another project may have left its own
        super().__init__(conf_source, *args, **kwargs)


class MlflowHook(KedroMlflowHook):
    """kedro-mlflow's hook, with parameters flattened out of pydantic models and tags that say what a run was."""

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Start the run and tag it."""
        tags = _tags(run_params, catalog)  # first: what fails here must not leave a run behind
        super().before_pipeline_run(run_params=run_params, pipeline=pipeline, catalog=catalog)
        if self._is_mlflow_enabled:
            mlflow.set_tags(tags)
            atexit.register(_end_interrupted_run)

    @hook_impl
    def before_node_run(self, node: Node, catalog: DataCatalog, inputs: dict[str, Any], is_async: bool) -> None:
        """Log the node's parameters, one MLflow parameter for each field."""
        plain = {
            name: value.model_dump(mode="json") if isinstance(value, BaseModel) else value
            for name, value in inputs.items()
        }
        super().before_node_run(node=node, catalog=catalog, inputs=plain, is_async=is_async)


class RunHook:
    """Checks before a run what the parameters' types cannot say, and prints the results after it."""

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Refuse unknown baselines before anything trains."""
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


def _end_interrupted_run() -> None:
    """Mark a run that Ctrl-C cut short; Kedro calls no hook then, and MLflow would call it finished."""
    if mlflow.active_run() is not None:
        mlflow.end_run("KILLED")


def _run_config(catalog: DataCatalog) -> RunConfig:
    return RunConfig.model_validate(catalog.load("params:run"))


def _tags(run_params: dict[str, Any], catalog: DataCatalog) -> dict[str, str]:
    run = _run_config(catalog)
    detection = DetectionConfig.model_validate(catalog.load("params:detection"))
    backend = resolve_backend(detection.experts.mamba.backend, choose_device(run.device))
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
