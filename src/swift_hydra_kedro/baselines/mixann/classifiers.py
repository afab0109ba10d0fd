"""The classifiers that MixAnN augments for (section 4.1), and how each learns as synthetic rows join.

Algorithm 1 updates the classifier in every step and does not say how. Here none is trained from scratch: k-NN keeps a
table of the nearest neighbours of the rows it is asked about, which is exact; XGBoost, whose linear booster is convex,
adds a few rounds from where it stands; the MLP makes a pass over the synthetic rows and some of the real ones.
"""

from __future__ import annotations

import copy
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier

from swift_hydra_kedro.config import MixAnNConfig
from swift_hydra_kedro.config.mixann import MixAnNClassifier

NEIGHBOURS = 10
LAYERS = (128, 64)


def make_classifier(name: MixAnNClassifier, n_rows: int, seed: int) -> ClassifierMixin:
    """Make a classifier of section 4.1, untrained: k-NN (k = 10), XGBoost with the linear booster, an MLP 128-64.

    Raises
    ------
    ImportError
        If XGBoost is asked for and missing.
    """
    if name == "knn":
        return KNeighborsClassifier(n_neighbors=min(NEIGHBOURS, n_rows))
    if name == "mlp":
        return MLPClassifier(LAYERS, random_state=seed)
    check_installed([name])
    from swift_hydra_kedro.baselines.mixann.linear_xgboost import LinearXGBoost

    return LinearXGBoost(booster="gblinear", updater="coord_descent", n_jobs=1, random_state=seed)


def check_installed(names: Iterable[MixAnNClassifier]) -> None:
    """Raise an `ImportError` that says what to install if a classifier's library is missing."""
    if "xgboost" in names and importlib.util.find_spec("xgboost") is None:
        raise ImportError("xgboost-cpu is not installed: pip install -e '.[benchmark]'")


def growing_classifier(
    name: MixAnNClassifier,
    x: np.ndarray,
    y: np.ndarray,
    watched: np.ndarray,
    config: MixAnNConfig,
    rng: np.random.Generator,
) -> GrowingClassifier:
    """Train a classifier on real rows `x (N, P)`, `y (N,)`, that will be asked about the rows `watched (W, P)`."""
    trained = make_classifier(name, len(x), int(rng.integers(2**31))).fit(x, y)
    if name == "knn":
        return GrowingKNN(trained, y, watched)
    if name == "mlp":
        return GrowingMLP(trained, x, y, watched, config.update_rows, rng)
    return GrowingXGBoost(trained, x, y, watched, config.update_rounds)


class GrowingClassifier(ABC):
    """A classifier trained on real rows, which synthetic ones join step by step."""

    @abstractmethod
    def reset(self) -> None:
        """Forget all synthetic rows."""

    @abstractmethod
    def update(self, x: np.ndarray, y: np.ndarray) -> None:
        """Let synthetic rows `x (n, P)` with labels `y (n,)` join."""

    @abstractmethod
    def probability(self, rows: np.ndarray) -> np.ndarray:
        """Probability that watched rows, given by their numbers `(B,)`, are anomalies, `(B,)`."""


class GrowingKNN(GrowingClassifier):
    """k-NN as a table: squared distances and labels of the k nearest training rows of each watched row, `(W, k)`."""

    def __init__(self, trained: KNeighborsClassifier, y: np.ndarray, watched: np.ndarray) -> None:
        distance, nearest = trained.kneighbors(watched)
        self.watched, self.norm = watched, (watched**2).sum(axis=1)
        self.real = (distance**2, y[nearest])
        self.reset()

    def reset(self) -> None:
        """Forget all synthetic rows."""
        self.distance, self.label = (table.copy() for table in self.real)

    def update(self, x: np.ndarray, y: np.ndarray) -> None:
        """Put the new rows among the neighbours of the watched rows that they are near enough to."""
        distance = np.maximum(self.norm[:, None] + (x**2).sum(axis=1) - 2 * self.watched @ x.T, 0)  # (W, n)
        touched = np.flatnonzero(distance.min(axis=1) < self.distance[:, -1])
        k = self.distance.shape[1]
        candidates = np.concatenate([self.distance[touched], distance[touched]], axis=1)  # (T, k + n)
        labels = np.concatenate([self.label[touched], np.broadcast_to(y, (len(touched), len(y)))], axis=1)
        order = candidates.argsort(axis=1, kind="stable")[:, :k]
        self.distance[touched] = np.take_along_axis(candidates, order, axis=1)
        self.label[touched] = np.take_along_axis(labels, order, axis=1)

    def probability(self, rows: np.ndarray) -> np.ndarray:
        """Share of anomalies among the k nearest."""
        return self.label[rows].mean(axis=1)


class _GrowingModel(GrowingClassifier):
    """A model that is trained a little further."""

    def __init__(self, trained: Any, x: np.ndarray, y: np.ndarray, watched: np.ndarray) -> None:
        self.trained, self.x, self.y, self.watched = trained, x, y, watched
        self.reset()

    def reset(self) -> None:
        """Go back to the model of the real rows."""
        self.model = copy.deepcopy(self.trained)
        self.new_x, self.new_y = self.x[:0], self.y[:0]

    def update(self, x: np.ndarray, y: np.ndarray) -> None:
        """Train a little further."""
        self.new_x, self.new_y = np.concatenate([self.new_x, x]), np.concatenate([self.new_y, y])
        self._train()

    @abstractmethod
    def _train(self) -> None:
        """Train `model` a little further, with what has joined."""

    def probability(self, rows: np.ndarray) -> np.ndarray:
        """What the model says."""
        return self.model.predict_proba(self.watched[rows])[:, 1]


class GrowingXGBoost(_GrowingModel):
    """Linear boosting of all rows, a few rounds more with each update."""

    def __init__(self, trained: Any, x: np.ndarray, y: np.ndarray, watched: np.ndarray, rounds: int) -> None:
        super().__init__(trained, x, y, watched)
        self.rounds = rounds

    def _train(self) -> None:
        x, y = np.concatenate([self.x, self.new_x]), np.concatenate([self.y, self.new_y])
        before = self.model.get_booster()
        self.model = copy.copy(self.trained).set_params(n_estimators=self.rounds).fit(x, y, xgb_model=before)


class GrowingMLP(_GrowingModel):
    """An MLP that makes a pass over the synthetic rows and a random part of the real ones with each update."""

    def __init__(
        self,
        trained: MLPClassifier,
        x: np.ndarray,
        y: np.ndarray,
        watched: np.ndarray,
        n_real: int,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(trained, x, y, watched)
        self.n_real, self.rng = min(n_real, len(x)), rng

    def _train(self) -> None:
        real = self.rng.choice(len(self.x), self.n_real, replace=False)
        self.model.partial_fit(np.concatenate([self.x[real], self.new_x]), np.concatenate([self.y[real], self.new_y]))
