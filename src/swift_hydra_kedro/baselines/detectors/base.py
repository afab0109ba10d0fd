"""What the networks among the detectors share: checks, labels, random numbers, and where they compute."""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from swift_hydra_kedro.data.splitting import part_of_each_class
from swift_hydra_kedro.data.validation import two_classes
from swift_hydra_kedro.evaluation.metrics import matched_threshold
from swift_hydra_kedro.models.layers import filled_up, seeded_init
from swift_hydra_kedro.models.runtime import Generators, choose_device, narrow_threads, seed_of, stage_generators

CHUNK = 8192
OFFSET_ROWS = 10_000


class TorchDetector(BaseEstimator):
    """A network that scores standardised rows; higher is more anomalous.

    A subclass has `_train`, `_score`, and parameters of its own beside these.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda"}
        Where torch computes.
    random_state : int, RandomState or None
        Source of all randomness; the same int gives the same bits on a CPU.
    """

    def __init__(self, *, device: str = "auto", random_state: int | np.random.RandomState | None = None) -> None:
        self.device = device
        self.random_state = random_state

    @abstractmethod
    def _train(self, x: Tensor, y: Tensor, rng: Generators) -> None:
        """Train on rows `x (N, P)`, labels `y (N,)` in {0, 1}; layers and dropout draw from a seeded state, too."""

    @abstractmethod
    def _score(self, x: Tensor) -> Tensor:
        """Raw score of rows, `(B, P)` -> `(B,)`."""

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        device = choose_device(self.device)
        rng = stage_generators(seed_of(self.random_state), type(self).__name__, device)
        rows, label = (torch.as_tensor(array, dtype=torch.float32, device=device) for array in (x, y))
        with seeded_init(rng.torch), narrow_threads(x.shape[1]):
            self._train(rows, label, rng)

    def _raw_score(self, x: np.ndarray) -> np.ndarray:
        device = choose_device(self.device)
        with torch.inference_mode(), narrow_threads(x.shape[1]):
            parts = torch.as_tensor(x, dtype=torch.float32).split(CHUNK)
            scores = [self._score(filled_up(part.to(device)))[: len(part)].cpu() for part in parts]
            return torch.cat(scores).double().numpy()


class OneClassTorchDetector(TorchDetector):
    """A network that learns from normal rows alone."""

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Train on rows `X (N, P)`; labels are ignored."""
        x = validate_data(self, X, dtype=np.float64)
        self._fit(x, np.zeros(len(x)))
        return self

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Abnormality, `(N,)`: higher is more anomalous."""
        check_is_fitted(self)
        return self._raw_score(validate_data(self, X, dtype=np.float64, reset=False))


class TorchClassifier(ClassifierMixin, TorchDetector):
    """A network that learns from labels, those of all rows or of anomalies alone.

    Attributes
    ----------
    classes_ : (2,) labels; the second is the anomaly's
    offset_ : of the raw scores; it flags as many training rows as are anomalies, of `OFFSET_ROWS` of them at most
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train on rows `X (N, P)` with two labels `y (N,)`; the greater one is the anomaly's.

        Raises
        ------
        ValueError
            If X or y cannot be used: shapes differ, values that are not finite, not exactly two classes.
        """
        x, target = validate_data(self, X, y, dtype=np.float64)
        self.classes_, label = two_classes(target)
        self._fit(x, label)
        share = min(1.0, OFFSET_ROWS / len(x))
        judged = np.concatenate(part_of_each_class(label, share, np.random.default_rng(0)))
        self.offset_ = matched_threshold(self._raw_score(x[judged]), float(label[judged].mean()))
        return self

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Raw score less `offset_`, `(N,)`: higher is more anomalous, and positive rows are called anomalies."""
        check_is_fitted(self)
        return self._raw_score(validate_data(self, X, dtype=np.float64, reset=False)) - self.offset_

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Labels, `(N,)`."""
        flagged = self.decision_function(X) > 0
        return self.classes_[flagged.astype(int)]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags
