"""Metrics of one method on the test rows, and the threshold that makes methods comparable.

Scores are higher for more abnormal rows, and a row is called an anomaly when `score >= threshold`.
Every result is plain Python and JSON-able: what the data cannot tell is None, never NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import average_precision_score, precision_recall_fscore_support, roc_auc_score

CLASSES = (0, 1)


def evaluate_scores(
    y_true: ArrayLike,
    score: ArrayLike,
    threshold: float,
    seen_in_training: ArrayLike,
    fit_seconds: float,
    predict_seconds: float,
    rejected_share: float | None = None,
) -> dict[str, Any]:
    """One method's entry of `metrics.json` (tables 1 and 9).

    Parameters
    ----------
    y_true : labels of the test rows, `(N,)`, 1 = anomaly
    score : their scores, `(N,)`, higher = more abnormal
    threshold : a row counts as an anomaly when its score is at least this
    seen_in_training : `(N,)`, True where a copy of the test row stands in the training part
    fit_seconds, predict_seconds : wall-clock time of fitting, and of scoring all N rows
    rejected_share : of the N rows, all scored, those that the method would decline to decide, if it may

    Returns
    -------
    dict
        `auc_roc` and `auc_pr` on all rows, `auc_roc_unseen` on the rows not seen in training (each
        None where its rows hold one class only), `per_class` with precision, recall, F1 and support
        (0 where undefined, as in table 9), `threshold`, `fit_seconds`, `predict_seconds`, and
        `rejected_share` if it is given.

    Raises
    ------
    ValueError
        If lengths differ, there are no rows, a label is not 0 or 1, or a score or the threshold is
        not finite.
    """
    y, s = _labels_and_scores(y_true, score)
    unseen = ~np.asarray(seen_in_training, dtype=bool)
    if unseen.shape != y.shape:
        raise ValueError(f"seen_in_training has shape {unseen.shape}, y_true {y.shape}")
    if not np.isfinite(threshold):
        raise ValueError(f"threshold must be finite, got {threshold}")
    return {
        "auc_roc": _auc_roc(y, s),
        "auc_roc_unseen": _auc_roc(y[unseen], s[unseen]),
        "auc_pr": float(average_precision_score(y, s)) if _both_classes(y) else None,
        "per_class": _per_class(y, s >= threshold),
        "threshold": float(threshold),
        "fit_seconds": float(fit_seconds),
        "predict_seconds": float(predict_seconds),
        **({} if rejected_share is None else {"rejected_share": float(rejected_share)}),
    }


def matched_threshold(train_scores: ArrayLike, anomaly_share: float) -> float:
    """Threshold that flags about `anomaly_share` of the training rows.

    Only cuts between distinct training scores, and the one below all of them, tell training rows
    apart. Of these, the one whose flagged share (`score >= threshold`) is nearest to `anomaly_share`
    is taken, on equality the one that flags more; the highest training score is always flagged. The
    threshold lies midway between the two scores it parts: a forest that scores its training rows
    exactly 0 and 1 gets 0.5, where a plain quantile would be 0 (flags every row) or 1 (hardly any).

    Parameters
    ----------
    train_scores : `(N,)`, higher = more abnormal
    anomaly_share : share of anomalies among the training rows, in [0, 1]

    Raises
    ------
    ValueError
        If there are no scores, one is not finite, or the share is outside [0, 1].
    """
    scores = _finite(train_scores)
    if not 0 <= anomaly_share <= 1:
        raise ValueError(f"anomaly_share must lie in [0, 1], got {anomaly_share}")
    distinct, counts = np.unique(scores, return_counts=True)
    flagged = counts[::-1].cumsum()[::-1]  # (U,) rows with a score of at least distinct[i]
    best = int(np.argmin(np.abs(flagged - anomaly_share * len(scores))))  # the first: flags most
    if best == 0:
        return float(distinct[0])
    lower, upper = distinct[best - 1], distinct[best]
    middle = lower / 2 + upper / 2  # halved first: the sum may overflow
    return float(middle if middle > lower else upper)  # neighbouring floats have nothing between them


def expected_calibration_error(y: ArrayLike, p: ArrayLike, bins: int = 15) -> float:
    """Measure how far anomaly probabilities are off: the expected calibration error, in [0, 1].

    The rows are binned by probability into `bins` intervals of equal width; the error is the mean of
    |share of anomalies - mean probability| over the bins, weighted by their rows.

    Parameters
    ----------
    y : labels, `(N,)`, 1 = anomaly
    p : probabilities of being an anomaly, `(N,)`, in [0, 1]
    bins : number of intervals

    Raises
    ------
    ValueError
        If lengths differ, there are no rows, a label is not 0 or 1, a probability is outside [0, 1],
        or `bins` is below 1.
    """
    labels, probability = _labels_and_scores(y, p)
    if probability.min() < 0 or probability.max() > 1:
        raise ValueError("probabilities must lie in [0, 1]")
    if bins < 1:
        raise ValueError(f"bins must be at least 1, got {bins}")
    index = np.minimum((probability * bins).astype(int), bins - 1)  # a probability of 1 joins the last bin
    gaps = np.bincount(index, weights=labels - probability)  # rows in the bin * (share - mean probability)
    return float(np.abs(gaps).sum() / len(labels))


def _per_class(y: NDArray[np.int_], flagged: NDArray[np.bool_]) -> dict[str, dict[str, float | int]]:
    columns = precision_recall_fscore_support(y, flagged.astype(int), labels=CLASSES, zero_division=0.0)
    return {
        str(label): {"precision": float(p), "recall": float(r), "f1": float(f1), "support": int(support)}
        for label, p, r, f1, support in zip(CLASSES, *columns, strict=True)
    }


def _auc_roc(y: NDArray[np.int_], score: NDArray[np.float64]) -> float | None:
    return float(roc_auc_score(y, score)) if _both_classes(y) else None


def _both_classes(y: NDArray[np.int_]) -> bool:
    return len(np.unique(y)) == len(CLASSES)


def _labels_and_scores(y: ArrayLike, score: ArrayLike) -> tuple[NDArray[np.int_], NDArray[np.float64]]:
    labels, scores = np.asarray(y), _finite(score)
    if labels.shape != scores.shape:
        raise ValueError(f"labels have shape {labels.shape}, scores {scores.shape}")
    if not np.isin(labels, CLASSES).all():
        raise ValueError("labels must be 0 (normal) or 1 (anomaly)")
    return labels.astype(int), scores


def _finite(scores: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(scores, dtype=np.float64)  # float32 would be compared to the threshold in float32
    if values.ndim != 1 or not len(values):
        raise ValueError(f"scores must have shape (N,) with N >= 1, got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("scores must be finite")
    return values
