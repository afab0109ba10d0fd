"""The threshold that gives people what they have asked for, by rows that the model has not learnt from."""

from __future__ import annotations

import logging
from typing import NamedTuple

import numpy as np
import pandas as pd

from swift_hydra_kedro.config import DecisionConfig

logger = logging.getLogger(__name__)


class Decision(NamedTuple):
    """The threshold, what it gives on the rows looked at, and whether that is what was asked for.

    `expected` has `alerts_per_1000`, `precision` and `recall`, each None where the rows cannot tell.
    """

    threshold: float
    expected: dict[str, float | None]
    reached: bool


def trade_off(probability: np.ndarray, y: np.ndarray, weight: np.ndarray) -> pd.DataFrame:
    """What each threshold gives: one row for each that parts the rows differently, the highest first.

    Parameters
    ----------
    probability, y, weight : of the rows looked at, `(C,)` each: probability of an anomaly, label, and how many rows
        each stands for

    Returns
    -------
    DataFrame
        `threshold`; `alerts_per_1000`; `precision`, 1 where there are no alerts; `recall`; `missed` and `false_alarms`,
        in rows. The first flags no row (but for probabilities of 1), the last all. A threshold lies midway between the
        probabilities that it parts.
    """
    order = np.argsort(-probability, kind="stable")
    last = np.flatnonzero(np.diff(probability[order], append=-1))  # of each group of equal ones
    bounds = np.concatenate([[1.0], probability[order][last], [0.0]])
    found, flagged = (np.append(0, (weight * part)[order].cumsum()[last]) for part in (y == 1, np.ones_like(y)))
    return pd.DataFrame(
        {
            "threshold": (bounds[:-1] + bounds[1:]) / 2,
            "alerts_per_1000": 1000 * _share(flagged, flagged[-1]),
            "precision": np.divide(found, flagged, out=np.ones(len(found)), where=flagged > 0),
            "recall": _share(found, found[-1]),
            "missed": found[-1] - found,
            "false_alarms": flagged - found,
        }
    )


def choose_threshold(probability: np.ndarray, y: np.ndarray, weight: np.ndarray, config: DecisionConfig) -> Decision:
    """Choose one of the thresholds of `trade_off`; where the rows cannot tell, that of the configuration.

    It finds most of those that keep within the budget, or reach the precision; or it gives the fewest alerts of those
    that reach the recall; or it costs least. If no precision is high enough, it has the highest of all.
    """
    curve = trade_off(probability, y, weight)
    asked_of = "alerts_per_1000" if config.rule == "budget" else "recall"
    if config.rule == "threshold" or curve[asked_of].isna().any():
        flagged = len(np.unique(probability[probability >= config.threshold]))
        if config.rule != "threshold":
            logger.warning("no training rows can tell where to cut by %s: at %g", config.rule, config.threshold)
        return Decision(config.threshold, _expected(curve.iloc[flagged]), config.rule == "threshold")
    chosen, reached = _choose(curve, config)
    row = curve.iloc[chosen]
    if not reached:
        logger.warning("no threshold has a precision of %g, the highest is %.3g", config.precision, row["precision"])
    return Decision(float(row["threshold"]), _expected(row), reached)


def _choose(curve: pd.DataFrame, config: DecisionConfig) -> tuple[int, bool]:
    """Place in the curve, and whether it is what was asked for."""
    if config.rule == "budget":
        return int(np.flatnonzero(curve["alerts_per_1000"] <= config.alerts_per_1000)[-1]), True
    if config.rule == "recall":
        return int(np.flatnonzero(curve["recall"] >= config.recall)[0]), True
    if config.rule == "costs":
        costs = config.cost_of_miss * curve["missed"] + config.cost_of_false_alarm * curve["false_alarms"]
        return int(np.argmin(costs)), True
    precision = curve["precision"].where(curve["recall"] > 0, 0)
    highest = precision.max()
    return int(np.flatnonzero(precision >= min(highest, config.precision))[-1]), bool(highest >= config.precision)


def _share(count: np.ndarray, total: float) -> np.ndarray:
    return np.divide(count, total, out=np.full(len(count), np.nan), where=total > 0)


def _expected(row: pd.Series) -> dict[str, float | None]:
    alerts, precision, recall = (
        None if np.isnan(row[name]) else float(row[name]) for name in ("alerts_per_1000", "precision", "recall")
    )
    return {"alerts_per_1000": alerts, "precision": precision if alerts else None, "recall": recall}
