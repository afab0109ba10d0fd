"""Kedro's settings: configuration and hooks."""

from swift_hydra_kedro.hooks import MlflowHook, ProjectConfigLoader, ResumeHook, RunHook

HOOKS = (MlflowHook(), RunHook(), ResumeHook())
DISABLE_HOOKS_FOR_PLUGINS = ("kedro_mlflow", "kedro-mlflow")  # MlflowHook stands in for the plugin's own
CONFIG_LOADER_CLASS = ProjectConfigLoader
CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "local", "merge_strategy": {"parameters": "soft"}}
