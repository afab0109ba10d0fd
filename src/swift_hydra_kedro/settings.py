"""Kedro's settings: configuration, hooks."""

from swift_hydra_kedro.hooks import MlflowHook, ProjectConfigLoader, ResultsHook

HOOKS = (MlflowHook(), ResultsHook())
DISABLE_HOOKS_FOR_PLUGINS = ("kedro_mlflow", "kedro-mlflow")
CONFIG_LOADER_CLASS = ProjectConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "merge_strategy": {"parameters": "soft"},
}
