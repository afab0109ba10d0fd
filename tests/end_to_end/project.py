"""A copy of the project in a folder of its own, with the smoke budget: seconds a run."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

SOURCE = Path(__file__).parents[2]


@dataclass(frozen=True)
class Project:
    """`folder` holds configuration, data and tracking; runs start in the working directory `elsewhere`."""

    folder: Path
    elsewhere: Path

    @classmethod
    def create(cls, folder: Path, elsewhere: Path) -> Project:
        """Copy the configuration, less what a developer keeps in conf/local."""
        for name in ("base", "paper", "smoke"):
            shutil.copytree(SOURCE / "conf" / name, folder / "conf" / name)
        shutil.copy(SOURCE / "conf/logging.yml", folder / "conf")
        shutil.copy(SOURCE / "pyproject.toml", folder)
        for empty in ("conf/local", "src", "data/01_raw"):
            (folder / empty).mkdir(parents=True)
        (folder / ".telemetry").write_text("consent: false\n")
        return cls(folder, elsewhere)

    @contextlib.contextmanager
    def session(self, **parameters: Any) -> Iterator[KedroSession]:
        """A session from another working directory; `parameters` as after `--params`."""
        bootstrap_project(self.folder)
        with (
            contextlib.chdir(self.elsewhere),
            KedroSession.create(self.folder, env="smoke", runtime_params=parameters) as session,
        ):
            yield session

    def run(self, pipeline: str = "full", only: dict[str, Any] | None = None, **parameters: Any) -> None:
        """Run a pipeline, or that part of it which `only` selects in the words of `KedroSession.run`."""
        with self.session(**parameters) as session:
            session.run(pipeline_names=[pipeline], **(only or {}))

    def load(self, *names: str, **parameters: Any) -> Any:
        """What the catalog holds under `names` for a run with these parameters."""
        with self.session(**parameters) as session:
            catalog = session.load_context().catalog
            loaded = [catalog.load(name) for name in names]
        return loaded[0] if len(names) == 1 else loaded

    def files(self, stage: str, dataset: str = "digits", train_size: float = 0.4, seed: int = 0) -> Path:
        """The run's folder among the data of a stage, such as `08_reporting`."""
        return self.folder / "data" / stage / dataset / f"train_{train_size}" / f"seed_{seed}"

    def client(self) -> mlflow.MlflowClient:
        """MLflow's records of this project."""
        return mlflow.MlflowClient(f"sqlite:///{self.folder}/mlflow.db")

    def tracked(self, filter_string: str = "") -> list[mlflow.entities.Run]:
        """The project's MLflow runs, the latest first."""
        client = self.client()
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        return client.search_runs(experiments, filter_string, order_by=["attributes.start_time DESC"])

    def write_table(self, name: str, frame: pd.DataFrame, **settings: Any) -> dict[str, Any]:
        """Write an own table as CSV; return the parameters that name it."""
        frame.to_csv(self.folder / f"data/01_raw/{name}.csv", index=False)
        return {"dataset": name, "tables": {name: {"path": f"data/01_raw/{name}.csv"} | settings}}
