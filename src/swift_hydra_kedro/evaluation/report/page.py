"""A benchmark's results as one page, without anything from a network: tables to sort and filter, figures, the paper's.

The page's policy forbids the browser to load anything, so that a mistake would be seen here and not by others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from typing import Any, NamedTuple

import pandas as pd
import plotly.graph_objects as go

from swift_hydra_kedro.evaluation.comparison import by_train_size, compare, leaderboard
from swift_hydra_kedro.evaluation.figures import benchmark as figures
from swift_hydra_kedro.evaluation.figures.generated import generated_anomalies
from swift_hydra_kedro.evaluation.figures.paper import kl_weight, oversampling
from swift_hydra_kedro.evaluation.names import display_name, is_own
from swift_hydra_kedro.evaluation.page import drawn, page_of
from swift_hydra_kedro.evaluation.report.html import Column, html_table
from swift_hydra_kedro.evaluation.report.paper import paper_sections
from swift_hydra_kedro.evaluation.report.standing import Standing, compared_in_words, failures, provenance, ranked

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
_HEAD = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
_MEGABYTE = 2**20


class Kind(NamedTuple):
    """What the page can filter methods by."""

    family: str
    supervision: str


_BOARD = {
    "auc_roc": Column("AUC-ROC", 4, True, "mean over data sets"),
    "auc_pr": Column("AUC-PR", 4, True, "mean over data sets"),
    "rank": Column("Rank", 2, False, "mean over data sets of the rank by AUC-ROC"),
    "wins": Column("Wins", 0, True, "data sets on which no method has a higher AUC-ROC"),
    "tif": Column("TIF [s]", 3, False, "total inference time: seconds to score the test rows of all splits"),
    "fit_seconds": Column("Fit [s]", 1, False, "seconds to fit on all splits"),
    "peak_memory": Column("Memory [MB]", 0, False, "the most on any split"),
}
_NAMED = [Column("Method"), Column("Family"), Column("Supervision")]


def benchmark_page(
    results: pd.DataFrame,
    found: Mapping[float, Standing],
    kinds: Mapping[str, Kind],
    sets: Mapping[str, str],
    coverage: float,
    alpha: float,
) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    results : a row per cell
    found : their `standings`, that of the train size to be shown first at the front
    kinds : family and supervision of each method
    sets : the paper's data set of each of ours; see `beside_means`
    coverage : see `compare`
    alpha : level of significance
    """
    drawings = iter(drawn(_figures(results, found, coverage, alpha)))
    sections = [_at_train_size(size, standing, drawings, alpha) for size, standing in found.items()]
    return page_of(
        "Benchmark of anomaly detectors",
        f"<style>{_resource('page.css')}</style>",
        f"<p>{escape(provenance(results))} Methods are compared on the splits that all of them have, never on fewer by "
        f"one than by another; those that have less than {coverage:.0%} of the data sets are named and left out.</p>",
        _filters(found, kinds),
        _leaderboard(),
        *sections,
        f"<section>{next(drawings)}</section>",
        *paper_sections(results, sets, coverage, drawings),
        _failed(results),
        f'<script type="application/json" id="boards">{_json(_boards(results, kinds, found, coverage))}</script>',
        f"<script>{_resource('page.js')}</script>",
        head=_HEAD,
    )


def _figures(
    results: pd.DataFrame, found: Mapping[float, Standing], coverage: float, alpha: float
) -> Iterable[go.Figure]:
    """In the order in which the page has them."""
    for size, standing in found.items():
        yield figures.accuracy_and_time(standing.board)
        yield figures.critical_difference(standing.table, standing.p, alpha)
        cells = ranked(results[results["train_size"] == size])
        yield figures.heat_map(cells.pivot_table("auc_roc", "dataset", "method"))
    yield figures.train_size_curves(by_train_size(ranked(results), coverage))
    yield oversampling(results, coverage)
    yield kl_weight(results, coverage)
    yield from generated_anomalies(results)


def _boards(
    results: pd.DataFrame, kinds: Mapping[str, Kind], found: Mapping[float, Standing], coverage: float
) -> dict[str, Any]:
    """What the page's script needs: a leaderboard of each train size, of all data sets ("") and of each."""
    boards: dict[str, dict[str, Any]] = {}
    for size, standing in found.items():
        at_size = ranked(results[results["train_size"] == size])
        boards[f"{size:g}"] = {"": _rows(standing.board, compared_in_words(standing.compared))} | {
            str(name): _of_dataset(part, coverage) for name, part in at_size.groupby("dataset")
        }
    methods = {
        method: {"name": display_name(method), "own": is_own(method), **kinds[method]._asdict()}
        for method in sorted(results["method"].unique())
    }
    return {"boards": boards, "methods": methods, "digits": [column.digits for column in _BOARD.values()]}


def _of_dataset(results: pd.DataFrame, coverage: float) -> dict[str, Any]:
    compared = compare(results, coverage)
    return _rows(leaderboard(compared.results), compared_in_words(compared))


def _rows(board: pd.DataFrame, note: str) -> dict[str, Any]:
    shown = board.assign(peak_memory=board["peak_memory"] / _MEGABYTE)[list(_BOARD)].astype(float).round(6)
    rows = [[name, *map(_number, row)] for name, row in zip(shown.index, shown.to_numpy(), strict=True)]
    return {"note": note, "rows": rows}


def _filters(found: Mapping[float, Standing], kinds: Mapping[str, Kind]) -> str:
    sizes = [(f"{size:g}", f"{size:.0%}") for size in found]
    families = [("", "all"), *((name, name) for name in sorted({kind.family for kind in kinds.values()}))]
    supervision = [("", "all"), *((name, name) for name in sorted({kind.supervision for kind in kinds.values()}))]
    return (
        '<form class="filters" onsubmit="return false" aria-label="Filters">'
        + _select("train", "Rows in training", sizes)
        + _select("dataset", "Data set", [])
        + _select("family", "Detector family", families)
        + _select("supervision", "Supervision", supervision)
        + '<label>Method <input id="method" type="search" placeholder="part of its name"></label></form>'
    )


def _select(name: str, label: str, options: Iterable[tuple[str, str]]) -> str:
    inner = "".join(f'<option value="{escape(value)}">{escape(text)}</option>' for value, text in options)
    return f'<label>{label} <select id="{name}" autocomplete="off">{inner}</select></label>'


def _leaderboard() -> str:
    explained = "; ".join(f"{column.label}: {column.explained}" for column in _BOARD.values())
    table = html_table([*_NAMED, *_BOARD.values()], [], f"{explained}.", name="leaderboard", sorted_by="AUC-ROC")
    return (
        '<section><h2>Leaderboard</h2><p id="note" class="note" aria-live="polite"></p>'
        f"<noscript><p>Without JavaScript see the tables beside this page.</p></noscript>{table}"
        f"<p class='note'>Ranks and wins are among all methods compared, shown or not. Swift Hydra with other weights "
        f"of the KL term stands in figure 7 alone.</p></section>"
    )


def _at_train_size(size: float, standing: Standing, drawings: Iterable[str], alpha: float) -> str:
    scatter, ranking, heat = (next(iter(drawings)) for _ in range(3))
    return (
        f'<div data-train="{size:g}"><h2>{size:.0%} of the rows in training</h2>'
        f'<p class="note">{escape(compared_in_words(standing.compared))}</p>'
        f"<section>{scatter}</section><section>{ranking}{_tests(standing, alpha)}</section>"
        f"<section>{heat}</section></div>"
    )


def _tests(standing: Standing, alpha: float) -> str:
    if standing.reference is None:
        return ""
    columns = [
        Column("Method"),
        Column("better", 0, True),
        Column("equal", 0, True),
        Column("worse", 0),
        Column("p", 6),
        Column("p (Holm)", 6),
        Column("differs"),
    ]
    rows = [
        [display_name(str(row.Index)), row.better, row.equal, row.worse, row.p, row.p_holm, _verdict(row, alpha)]
        for row in standing.tests.itertuples()
    ]
    caption = (
        f"Each method against {display_name(standing.reference)}: data sets on which it is better, equal and worse, "
        f"and Wilcoxon's signed-rank test, corrected by Holm over these methods; level {alpha:g}. Friedman's test that "
        f"all methods rank alike: p = {standing.friedman:.2g}."
    )
    summary = f"Tests against {escape(display_name(standing.reference))}"
    return f"<details><summary>{summary}</summary>{html_table(columns, rows, caption)}</details>"


def _verdict(row: Any, alpha: float) -> str:
    if row.p_holm >= alpha:
        return "no"
    return "better" if row.gain > 0 else "worse"


def _failed(results: pd.DataFrame) -> str:
    failed = failures(results)
    if failed.empty:
        return "<h2>Failures</h2><p>No cell failed.</p>"
    counts = failed.groupby(["method", "error"]).agg(cells=("seed", "size"), sets=("dataset", "nunique")).reset_index()
    columns = [Column("Method"), Column("cells", 0, True), Column("data sets", 0, True), Column("error")]
    rows = [[display_name(row.method), row.cells, row.sets, row.error] for row in counts.itertuples()]
    shown = html_table(columns, rows, f"{len(failed)} of {len(results)} cells failed.")
    return f"<section><h2>Failures</h2>{shown}</section>"


def _number(value: float) -> float | None:
    return None if pd.isna(value) else float(value)


def _json(value: Any) -> str:
    """JSON that may stand in a script."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def _resource(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
