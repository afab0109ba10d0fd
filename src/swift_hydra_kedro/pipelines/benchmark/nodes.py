"""Measure a grid of cells."""

from __future__ import annotations

from typing import Any

from swift_hydra_kedro.benchmark.store import CellStore
from swift_hydra_kedro.config import (
    BenchmarkConfig,
    DecisionConfig,
    DetectionConfig,
    PreparationConfig,
    PretrainingConfig,
    RunConfig,
    SwiftHydraConfig,
    SynthesisConfig,
    TablesConfig,
)
from swift_hydra_kedro.data.sources import RawTables


def measure_cells(
    raw_tables: RawTables,
    benchmark_cells: CellStore,
    benchmark: BenchmarkConfig,
    tables: TablesConfig,
    preparation: PreparationConfig,
    pretraining: PretrainingConfig,
    synthesis: SynthesisConfig,
    detection: DetectionConfig,
    decision: DecisionConfig,
    run: RunConfig,
) -> dict[str, Any]:
    """Measure what is missing of the grid; each cell is in the store, and in MLflow, as soon as it is finished.

    Methods that give probabilities have one threshold on all data sets, as in table 9, whatever `decision.rule` is.
    """
    from swift_hydra_kedro.benchmark.cell import Budget  # kedro viz --lite lacks their needs
    from swift_hydra_kedro.benchmark.run import run_benchmark
    from swift_hydra_kedro.serving.cells import CellLogger

    stages = {"preparation": preparation, "pretraining": pretraining, "synthesis": synthesis, "detection": detection}
    budget = Budget(SwiftHydraConfig(**stages), decision.threshold, run.device, benchmark.keep_rows_of)
    with CellLogger(f"benchmark: {benchmark.preset}") as mlflow_runs:
        return run_benchmark(benchmark, budget, raw_tables, tables, benchmark_cells, mlflow_runs.log)
