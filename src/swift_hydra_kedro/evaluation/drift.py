"""How far new rows are from those that a model knows, by their counts in the same bins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import chi2_contingency

from swift_hydra_kedro.config import DriftConfig

DECILES = 10
EMPTY = 0.5  # rows in a bin that is empty on one side only
LEVELS = ("unknown", "none", "moderate", "strong")


class Comparison(NamedTuple):
    """Rows known and new rows in each bin of a column, `(B,)` each; the last bin is that of missing values.

    `edges (B - 2,)` are those between bins of numbers; None for categories.
    """

    before: np.ndarray
    now: np.ndarray
    edges: tuple[float, ...] | None = None


class Drift(NamedTuple):
    """How a column has changed.

    `psi`, the population stability index; `p_value`, the probability of counts that differ as much if nothing has
    changed; `ks`, the Kolmogorov-Smirnov distance, None for categories; the shares that are missing; the level.
    """

    psi: float
    p_value: float
    ks: float | None
    missing_before: float
    missing_now: float
    level: str


def summarise_drift(
    columns: Mapping[str, Comparison], score: Mapping[str, Comparison], config: DriftConfig
) -> dict[str, Any]:
    """Measure the columns of a table, and its scores, if it has any rows; they share the false alarms allowed.

    Returns
    -------
    dict
        As JSON takes it: the highest `level`; the columns that have one (`drifted`); all about the `score`, with the
        shares of rows below some scores, and about the `columns`. Those that have changed most come first.
    """
    compared = [*columns.values(), *score.values()]
    drifts = [_measure(comparison, config, config.false_alarms / len(compared)) for comparison in compared]
    by_psi = sorted(zip(columns, drifts, strict=False), key=lambda item: -item[1].psi)  # the score's comes last
    return {
        "n_rows": int(compared[0].now.sum()) if compared else 0,
        "level": max((drift.level for drift in drifts), key=LEVELS.index, default="unknown"),
        "drifted": [name for name, drift in by_psi if drift.level != "none"],
        "levels": {"moderate": config.moderate, "strong": config.strong},
        "score": drifts[-1]._asdict() | _distribution(compared[-1]) if score else None,
        "columns": {name: drift._asdict() for name, drift in by_psi},
    }


def population_stability_index(before: np.ndarray, now: np.ndarray) -> float:
    """Sum of `(q - p) log(q / p)` over bins with the shares `p` of the rows before and `q` now.

    A bin that is empty on one side counts as half a row there; one that is empty on both does not count.
    """
    used = (before > 0) | (now > 0)
    p, q = (np.maximum(counts[used], EMPTY) / counts.sum() for counts in (before, now))
    return float(((q - p) * np.log(q / p)).sum())


def kolmogorov_smirnov(before: np.ndarray, now: np.ndarray) -> float:
    """Largest difference of the shares of rows below an edge between ordered bins.

    Within a bin the difference may be larger, by at most the share of the rows before in it. It is 0 if a side has no
    rows.
    """
    if not (before.any() and now.any()):
        return 0.0
    return float(np.abs(_cumulative(before) - _cumulative(now)).max())


def _measure(comparison: Comparison, config: DriftConfig, false_alarms: float) -> Drift:
    before, now, edges = comparison
    is_number = edges is not None
    counts = _in_deciles(before, now) if is_number else (before, now)
    psi, p_value = population_stability_index(*counts), _p_value(*counts)
    return Drift(
        psi=psi,
        p_value=p_value,
        ks=kolmogorov_smirnov(before[:-1], now[:-1]) if is_number else None,
        missing_before=float(before[-1] / before.sum()),
        missing_now=float(now[-1] / now.sum()),
        level=_level(psi, config) if p_value < false_alarms else "none",
    )


def _in_deciles(before: np.ndarray, now: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Merge neighbouring bins of numbers into ten of about equal shares before; missing values stay the last bin."""
    share = before[:-1] / max(1, before[:-1].sum())
    decile = (DECILES * (share.cumsum() - share / 2)).astype(int).clip(max=DECILES - 1)
    group = np.append(decile, DECILES)
    return np.bincount(group, before), np.bincount(group, now)


def _p_value(before: np.ndarray, now: np.ndarray) -> float:
    """G-test: where rows are few, PSI itself is further from its chi-square distribution, and so is Pearson's test."""
    used = (before > 0) | (now > 0)
    return float(chi2_contingency([before[used], now[used]], correction=False, lambda_="log-likelihood").pvalue)


def _level(psi: float, config: DriftConfig) -> str:
    if psi >= config.strong:
        return "strong"
    return "moderate" if psi >= config.moderate else "none"


def _distribution(comparison: Comparison) -> dict[str, Any]:
    before, now = (_cumulative(counts[:-1])[:-1].tolist() for counts in (comparison.before, comparison.now))
    return {"edges": list(comparison.edges or ()), "below_before": before, "below_now": now}


def _cumulative(counts: np.ndarray) -> np.ndarray:
    return counts.cumsum() / counts.sum()
