"""Turn the benchmark's results into a page and tables."""

from __future__ import annotations

import pandas as pd

from swift_hydra_kedro.baselines.registry import DETECTORS
from swift_hydra_kedro.benchmark.store import CellStore
from swift_hydra_kedro.config import ReportConfig
from swift_hydra_kedro.data import adbench
from swift_hydra_kedro.evaluation.report.page import Kind, benchmark_page
from swift_hydra_kedro.evaluation.report.standing import standings
from swift_hydra_kedro.evaluation.report.tables import benchmark_tables


def write_report(benchmark_cells: CellStore, report: ReportConfig) -> tuple[str, dict[str, str], CellStore]:
    """The page, the contents of the tables' files by name, and the cells that both are of."""
    results = benchmark_cells.read()
    sets = {stem: adbench.entry(stem).dataset for stem in adbench.stems()}
    found = standings(results, report.coverage)
    page = benchmark_page(results, found, _kinds(results), sets, report.coverage, report.alpha)
    return page, benchmark_tables(results, found, sets, report.coverage, report.alpha), benchmark_cells


def _kinds(results: pd.DataFrame) -> dict[str, Kind]:
    """What the registry says of the detector behind each method; results may be older than the registry."""
    detector_of = results.drop_duplicates("method").set_index("method")["detector"]
    return {
        method: Kind(DETECTORS[detector].family, DETECTORS[detector].supervision)
        if detector in DETECTORS
        else Kind("not in the registry", "not in the registry")
        for method, detector in detector_of.items()
    }
