"""ROC and precision-recall curves of all methods on the test rows (behind tables 1 and 9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from swift_hydra_kedro.evaluation.figures.theme import REFERENCE_LINE, compact, method_lines, say, styled
from swift_hydra_kedro.evaluation.names import display_name, is_own

MAX_POINTS = 500


class _Curve(NamedTuple):
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    threshold: NDArray[np.float64]
    area: float


def roc_curves(scores: pd.DataFrame, label: ArrayLike) -> go.Figure:
    """ROC curve of every method, the best AUC-ROC first in the legend.

    Parameters
    ----------
    scores : one column per method, one row per test row, higher = more abnormal
    label : `(N,)`, 1 = anomaly; with one class only the figure says that there is no curve
    """
    figure = styled(
        go.Figure(),
        "How many anomalies are found for how many false alarms",
        "ROC curves on the test rows; up and to the left is better",
        x="false positive rate (share of normal rows flagged)",
        y="true positive rate (share of anomalies found)",
    )
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line=REFERENCE_LINE, layer="below")
    hover = "%{y:.1%} of the anomalies found<br>%{x:.2%} of the normal rows flagged"
    return _draw(figure, scores, np.asarray(label), _roc, "AUC-ROC", line={"shape": "linear"}, hover=hover)


def precision_recall_curves(scores: pd.DataFrame, label: ArrayLike) -> go.Figure:
    """Precision-recall curve of every method, the best average precision first in the legend.

    Parameters
    ----------
    scores : one column per method, one row per test row, higher = more abnormal
    label : `(N,)`, 1 = anomaly; with one class only the figure says that there is no curve
    """
    y = np.asarray(label)
    share = float(y.mean()) if len(y) else 0.0
    figure = styled(
        go.Figure(),
        "How many alarms are right for how many anomalies found",
        f"Precision-recall curves on the test rows; dashed: chance, {share:.1%} of the rows are anomalies",
        x="recall (share of anomalies found)",
        y="precision (share of flagged rows that are anomalies)",
    )
    figure.add_shape(type="line", x0=0, y0=share, x1=1, y1=share, line=REFERENCE_LINE, layer="below")
    hover = "%{x:.1%} of the anomalies found<br>%{y:.1%} of the flagged rows are anomalies"
    steps = {"shape": "hv"}  # as the average precision counts the area
    return _draw(figure, scores, y, _precision_recall, "AUC-PR", line=steps, hover=hover)


def _draw(
    figure: go.Figure,
    scores: pd.DataFrame,
    label: NDArray[np.int_],
    curve_of: Callable[[NDArray[np.int_], NDArray[np.float64]], _Curve],
    area_name: str,
    line: dict[str, str],
    hover: str,
) -> go.Figure:
    """One trace per method in falling order of area, drawn thin and Swift Hydra's on top."""
    if scores.empty or len(np.unique(label)) < 2:
        return say(figure, "No curve: it takes test rows of both classes")
    lines = method_lines(scores.columns)
    curves = {method: curve_of(label, scores[method].to_numpy(float)) for method in scores.columns}
    for rank, (method, curve) in enumerate(sorted(curves.items(), key=lambda item: -item[1].area)):
        kept = thin(curve.x, curve.y, MAX_POINTS)
        figure.add_scatter(
            x=compact(curve.x[kept]),
            y=compact(curve.y[kept]),
            customdata=compact(curve.threshold[kept]),
            name=f"{display_name(method)}  {curve.area:.3f}",
            mode="lines",
            line=lines[method] | line,
            zorder=len(curves) * is_own(method) - rank,
            hovertemplate=hover + "<br>at a score of at least %{customdata:.3g}",
        )
    figure.update_xaxes(range=[-0.01, 1.01]).update_yaxes(range=[-0.01, 1.02])
    return figure.update_layout(showlegend=True, legend_title_text=area_name)


def thin(x: NDArray[np.float64], y: NDArray[np.float64], limit: int) -> NDArray[np.int_]:
    """Choose at most `limit` points of a curve, evenly spaced along its length and with both ends; indices.

    Distances are |dx| + |dy|. A jump longer than the spacing keeps its two ends, so that a coarse
    curve stays as it is.
    """
    if len(x) <= limit:
        return np.arange(len(x))
    length = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    marks = np.linspace(0, length[-1], limit // 2)
    after = np.searchsorted(length, marks).clip(max=len(x) - 1)  # the points on both sides of each mark
    return np.unique(np.concatenate([after, (after - 1).clip(min=0)]))


def _roc(label: NDArray[np.int_], score: NDArray[np.float64]) -> _Curve:
    fpr, tpr, threshold = roc_curve(label, score)
    return _Curve(fpr, tpr, threshold, float(roc_auc_score(label, score)))


def _precision_recall(label: NDArray[np.int_], score: NDArray[np.float64]) -> _Curve:
    precision, recall, threshold = precision_recall_curve(label, score)
    end = np.inf  # the curve's last point flags nothing
    return _Curve(recall, precision, np.append(threshold, end), float(average_precision_score(label, score)))
