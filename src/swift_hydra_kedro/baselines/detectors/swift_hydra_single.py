"""Swift Hydra without the mixture: the single Mamba detector as the self-reinforcing loop leaves it (table 1)."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from swift_hydra_kedro.config import SwiftHydraConfig
from swift_hydra_kedro.data.preprocessing import TablePreprocessor
from swift_hydra_kedro.data.table import feature_frame
from swift_hydra_kedro.data.validation import two_classes
from swift_hydra_kedro.estimator import generate
from swift_hydra_kedro.models.fitting import LabelledRows
from swift_hydra_kedro.models.inference import Predictor
from swift_hydra_kedro.models.runtime import choose_device, seed_of

Budget = dict[str, Any] | None


class SwiftHydraSingle(ClassifierMixin, BaseEstimator):
    """The detector that the generator is trained against, put to work by itself.

    With the same seed and rows it is what the pipeline calls `swift_hydra_single`.

    Parameters
    ----------
    preparation, pretraining, synthesis : dict or None
        Fields of the stage's configuration that differ from the defaults.
    device, random_state, verbose
        As for `SwiftHydraClassifier`.

    Attributes
    ----------
    classes_ : (2,) labels; the second is the anomaly's
    synthetic_ : (g, P) the synthetic anomalies that it learnt from, in the table's units
    """

    def __init__(
        self,
        *,
        preparation: Budget = None,
        pretraining: Budget = None,
        synthesis: Budget = None,
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
    ) -> None:
        self.preparation = preparation
        self.pretraining = pretraining
        self.synthesis = synthesis
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train on rows `X (N, P)` with two labels `y (N,)`; the greater one is the anomaly's.

        Raises
        ------
        ValueError
            If X or y cannot be used: shapes differ, values that are not finite, not exactly two classes.
        """
        x, target = validate_data(self, X, y, dtype=np.float64)
        self.classes_, label = two_classes(target)
        stages = ("preparation", "pretraining", "synthesis")
        config = SwiftHydraConfig.with_overrides({name: getattr(self, name) or {} for name in stages})
        features = feature_frame(x)
        self.preprocessor_ = TablePreprocessor.fit(features, config.preparation)
        scaled = self.preprocessor_.transform(features)
        rows = LabelledRows.from_arrays(scaled, label, np.ones(len(label)), choose_device(self.device))
        result, _ = generate(rows, config.pretraining, config.synthesis, seed_of(self.random_state), self.verbose)
        self.synthetic_ = self.preprocessor_.inverse_transform(result.synthetic.x.numpy()).to_numpy()
        self.predictor_ = Predictor(result.detector)
        return self

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Probabilities of the two classes, `(N, 2)`."""
        check_is_fitted(self)
        x = validate_data(self, X, dtype=np.float64, reset=False)
        anomaly = self.predictor_(self.preprocessor_.transform(feature_frame(x)))
        return np.column_stack([1 - anomaly, anomaly])

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Labels, `(N,)`: the anomaly's where its probability is at least a half."""
        anomalous = self.predict_proba(X)[:, 1] >= 0.5
        return self.classes_[anomalous.astype(int)]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags
