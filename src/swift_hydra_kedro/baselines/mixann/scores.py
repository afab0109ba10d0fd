"""How well a classifier does on test rows, as MixAnN's tables measure it."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import precision_recall_fscore_support

from swift_hydra_kedro.baselines.mixann.classifiers import make_classifier
from swift_hydra_kedro.config.mixann import MixAnNClassifier


def macro_scores(
    classifier: MixAnNClassifier, x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray, seed: int
) -> dict[str, float]:
    """Train on rows `x (N, P)`, `y (N,)`; precision, recall and F1 on the test rows, each the mean of both classes'."""
    predicted = make_classifier(classifier, len(x), seed).fit(x, y).predict(x_test)
    return macro(y_test, predicted)


def macro(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Precision, recall and F1 of labels `(N,)`, each the mean of both classes'; 0 where undefined."""
    values = precision_recall_fscore_support(truth, predicted, labels=[0, 1], average="macro", zero_division=0.0)
    return dict(zip(("precision", "recall", "f1"), map(float, values[:3]), strict=True))
