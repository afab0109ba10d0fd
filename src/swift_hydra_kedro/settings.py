"""Kedro's settings: configuration and hooks."""

import atexit
import gc

# Imports make 800,000 objects, and none of them is garbage. Python looks for it among them whenever 700 more are there,
# and again when it ends; together that takes 3 of the 8 seconds that a run spends outside its nodes.
gc.set_threshold(10_000)
atexit.register(gc.freeze)

from swift_hydra_kedro.hooks import MlflowHook, ProjectConfigLoader, ResumeHook, RunHook  # noqa: E402

HOOKS = (MlflowHook(), RunHook(), ResumeHook())
DISABLE_HOOKS_FOR_PLUGINS = ("kedro_mlflow", "kedro-mlflow")  # MlflowHook stands in for the plugin's own
CONFIG_LOADER_CLASS = ProjectConfigLoader
CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "local", "merge_strategy": {"parameters": "soft"}}
