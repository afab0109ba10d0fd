"""Which methods are measured on which data sets, and where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from swift_hydra_kedro.config.base import Config


def _each(holds: Callable[[Any], bool], must: str) -> AfterValidator:
    def check(values: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        if wrong := [value for value in values or () if not holds(value)]:
            raise ValueError(f"{wrong}: each {must}")
        return values

    return AfterValidator(check)


class BenchmarkConfig(Config):
    """A grid of cells, one for each method on each split of each data set, and the cluster that measures them.

    The preset says what is in the grid; what is set beside it takes the place of the preset's own.
    """

    preset: Literal["quick", "table1", "table4", "table5_6", "table7", "figure5", "kl_weight", "mixann", "all"] = Field(
        "quick", description="The grid: `quick` on embedded sets, those of the papers' tables and figures, `all`."
    )
    datasets: Literal["adbench"] | tuple[str, ...] | None = Field(
        None,
        description="Names as `dataset` takes them, or `adbench`: the files that `ADBENCH_MIRROR` holds, else all.",
    )
    train_sizes: Annotated[tuple[float, ...] | None, _each(lambda size: 0 < size < 1, "must lie between 0 and 1")] = (
        Field(None, description="Shares of the rows used for training.")
    )
    seeds: Annotated[tuple[int, ...] | None, _each(lambda seed: 0 <= seed < 2**31, "must be at least 0")] = Field(
        None, description="Seeds of the splits and of the methods."
    )
    detectors: tuple[str, ...] | None = Field(None, description="Names from the registry of baselines.")
    oversamplers: tuple[str | None, ...] | None = Field(
        None, description="Those that feed each of the detectors, from the same registry; null in the list: none does."
    )
    max_rows: int | None = Field(
        None, ge=1, description="Data sets with more rows are left out, and the log says so; none if null."
    )
    keep_rows_of: tuple[str, ...] = Field(
        ("7_Cardiotocography", "digits"),
        description="Data sets of which cells keep some rows, real and generated, for figure 3 of the report.",
    )
    scheduler: str | None = Field(
        None, description="Address of a Dask cluster's scheduler, such as tcp://host:8786; null: a cluster here."
    )
    workers: int = Field(2, ge=1, description="Processes of a cluster here, each with one thread: a cell at a time.")
    memory_per_worker: str = Field(
        "auto",
        pattern=r"^(auto|\d+(\.\d+)? ?[kMGT]i?B)$",
        description="Most memory of such a process, `4 GiB`, which ends one that takes more; `auto`: an equal share.",
    )
    retry_failed: bool = Field(False, description="Measure the cells again that have failed before.")
