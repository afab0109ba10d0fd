"""One page with a run's results and figures, for people without Kedro-Viz or MLflow at hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import plotly.graph_objects as go

from swift_hydra_kedro.evaluation.leaderboard import leaderboard
from swift_hydra_kedro.evaluation.names import display_name

HEIGHT = 520
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; } td, th { padding: .3rem .8rem; text-align: right; border-bottom: 1px solid #ddd; }
td:first-child, th:first-child { text-align: left; } section { margin: 2.5rem 0; }
.text td, .text th { text-align: left; }
"""


def page_of(title: str, *parts: str, head: str = "") -> str:
    """Return a page of parts that are HTML, below its title, which is plain text."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{head}<title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{''.join(parts)}</body></html>"
    )


def drawn(figures: Iterable[go.Figure]) -> list[str]:
    """Figures as HTML; the first brings plotly with it, so that nothing is fetched from a network."""
    return [
        figure.to_html(full_html=False, include_plotlyjs=i == 0, default_height=f"{figure.layout.height or HEIGHT}px")
        for i, figure in enumerate(figures)
    ]


def render_page(title: str, metrics: Mapping[str, Any], figures: Mapping[str, go.Figure]) -> str:
    """Return a self-contained HTML page: the leaderboard of `metrics.json`, then the figures by name."""
    board = leaderboard(metrics)
    board["method"] = board["method"].map(display_name)
    table = board.to_html(index=False, float_format="{:.3f}".format, na_rep="", border=0)
    sections = [
        f'<section id="{escape(name)}">{html}</section>'
        for name, html in zip(figures, drawn(figures.values()), strict=True)
    ]
    return page_of(title, table, *sections)
