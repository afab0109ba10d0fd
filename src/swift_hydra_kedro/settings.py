"""Kedro's settings: configuration and hooks."""

import atexit
import gc

# Imports make some 800,000 objects, none of them garbage. Python would look for it among them whenever 700 more are
# there, and once more when it ends.
gc.set_threshold(10_000)
atexit.register(gc.freeze)

from swift_hydra_kedro.hooks import MlflowHook, ProjectConfigLoader, ResumeHook, RunHook  # noqa: E402

HOOKS = (MlflowHook(), RunHook(), ResumeHook())
DISABLE_HOOKS_FOR_PLUGINS = ("kedro_mlflow", "kedro-mlflow")  # MlflowHook stands in for the plugin's own
CONFIG_LOADER_CLASS = ProjectConfigLoader
CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "local", "merge_strategy": {"parameters": "soft"}}
