"""Swift Hydra for scikit-learn and imbalanced-learn."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from imblearn.over_sampling.base import BaseOverSampler
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import _check_sample_weight, _check_y, check_is_fitted, validate_data

from swift_hydra_kedro.config import (
    DecisionConfig,
    PreparationConfig,
    PretrainingConfig,
    SwiftHydraConfig,
    SynthesisConfig,
)
from swift_hydra_kedro.data.columns import reject_repeated
from swift_hydra_kedro.data.preprocessing import TablePreprocessor
from swift_hydra_kedro.data.profile import TableProfile
from swift_hydra_kedro.data.reference import Reference
from swift_hydra_kedro.data.resampling import ClassByClass
from swift_hydra_kedro.data.table import feature_frame
from swift_hydra_kedro.data.tabular import as_features
from swift_hydra_kedro.data.validation import doubt_of_label, two_classes
from swift_hydra_kedro.detection.training import train_judge, train_mixture_of_experts
from swift_hydra_kedro.evaluation.decision import choose_threshold
from swift_hydra_kedro.models.committee import Committee
from swift_hydra_kedro.models.fitting import LabelledRows
from swift_hydra_kedro.models.runtime import choose_device, seed_of, stage_generators
from swift_hydra_kedro.scorer import Scorer
from swift_hydra_kedro.synthesis.loop import HISTORY, SynthesisResult, draw_anomalies, synthesise
from swift_hydra_kedro.synthesis.pretraining import hold_out, pretrain

Budget = dict[str, Any] | None
DEFAULT_THRESHOLD = 0.5


class SwiftHydraClassifier(ClassifierMixin, BaseEstimator):
    """Anomaly detector for labelled, imbalanced tables.

    Synthetic anomalies from an RL-guided C-VAE join the training rows; a gated mixture of Mamba experts
    decides. Data frames may hold text columns (categories) and missing values; arrays may hold missing values.

    Parameters
    ----------
    preparation, pretraining, synthesis, detection : dict or None
        Fields of the stage's configuration (`swift_hydra_kedro.config`) that differ from the defaults, for
        instance `synthesis={"enabled": False}`. The defaults are those of the pipeline.
    threshold : float or dict
        Rows with a probability of at least this much are called anomalies by `predict`. A dict has fields of
        `DecisionConfig` and is a rule by which `fit` chooses it, on training rows that no network had drawn, for
        instance `{"rule": "recall", "recall": 0.9}`. A number may be set anew after `fit`; `scorer_` keeps the first.
        The pipeline's is 0.2.
    positive_label : label or None
        The anomaly's. None takes the greater of the two labels, as scikit-learn does, and warns if most rows have it.
    device : {"auto", "cpu", "cuda"}
        Where torch computes.
    random_state : int, RandomState or None
        Source of all randomness; the same int gives the same bits on a CPU (of more than 256 features, with
        as many threads), and what the pipeline gives for that seed.
    verbose : bool
        Show progress bars.

    Attributes
    ----------
    classes_ : (2,) labels; the second is the anomaly's
    n_features_in_, feature_names_in_ : as everywhere in scikit-learn
    scorer_ : Scorer, which holds preprocessing, mixture, threshold, and what it takes to explain scores
    synthetic_ : DataFrame of the synthetic anomalies in the table's units
    history_ : DataFrame with one row per episode of the synthesis

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> X, y = make_classification(300, weights=[0.9], random_state=0)
    >>> budget = {"training": {"max_steps": 20}}
    >>> model = SwiftHydraClassifier(
    ...     synthesis={"enabled": False},
    ...     detection={"experts": budget, "gate": budget | {"joint_training": None}},
    ...     random_state=0,
    ... )
    >>> model.fit(X, y).predict_proba(X).shape
    (300, 2)
    """

    scorer_: Scorer

    def __init__(
        self,
        *,
        preparation: Budget = None,
        pretraining: Budget = None,
        synthesis: Budget = None,
        detection: Budget = None,
        threshold: float | dict[str, Any] = DEFAULT_THRESHOLD,
        positive_label: Any = None,
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
    ) -> None:
        self.preparation = preparation
        self.pretraining = pretraining
        self.synthesis = synthesis
        self.detection = detection
        self.threshold = threshold
        self.positive_label = positive_label
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: ArrayLike | pd.DataFrame, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train on rows `X (N, P)` with two labels `y (N,)`.

        Rows of zero weight are left out; the others weigh in every loss.

        Raises
        ------
        ValueError
            If X or y cannot be used: shapes differ, infinite values, not exactly two classes.
        """
        if hasattr(self, "scorer_"):
            del self.scorer_  # a fit that fails leaves no model of other labels and columns
        stages = ("preparation", "pretraining", "synthesis", "detection")
        config = SwiftHydraConfig.with_overrides({name: getattr(self, name) or {} for name in stages})
        decision = self._decision()
        features = self._features(X, reset=True)
        label, weight = self._labels(features, y, sample_weight)
        used = weight > 0
        features, label, weight = features[used], label[used], weight[used]
        if len(np.unique(label)) < 2:
            raise ValueError("all rows of one class have zero sample_weight: both classes are needed")
        device, seed = choose_device(self.device), seed_of(self.random_state)
        preprocessor = TablePreprocessor.fit(features, config.preparation)
        rows = LabelledRows.from_arrays(preprocessor.transform(features), label, weight, device)
        synthetic = torch.empty(0, rows.x.shape[1], device=device)
        self.synthetic_ = pd.DataFrame(columns=features.columns)
        self.history_ = pd.DataFrame(columns=list(HISTORY))
        if config.synthesis.enabled:
            result, _ = generate(rows, config.pretraining, config.synthesis, seed, self.verbose)
            synthetic = result.synthetic.x.to(device)
            self.synthetic_ = preprocessor.inverse_transform(result.synthetic.x.numpy())
            self.history_ = pd.DataFrame(result.history, columns=list(HISTORY))
        mixture, out_of_bag = train_mixture_of_experts(rows, synthetic, config.detection, seed, self.verbose)
        threshold = choose_threshold(out_of_bag.probability, out_of_bag.y, out_of_bag.weight, decision).threshold
        rng = stage_generators(seed, "reference", device).numpy
        reference = Reference.draw(rows.x.cpu().numpy(), label, pd.DataFrame(index=np.flatnonzero(used)), rng)
        self.scorer_ = Scorer(preprocessor, mixture, threshold, TableProfile.fit(features, preprocessor), reference)
        return self

    def predict_proba(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """Probabilities of the two classes, `(N, 2)`."""
        check_is_fitted(self, "scorer_")
        anomaly = self.scorer_.score(self._features(X, reset=False))
        return np.column_stack([1 - anomaly, anomaly])

    def predict(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """Labels, `(N,)`: the anomaly's where its probability is at least `threshold`."""
        probability = self.predict_proba(X)[:, 1]
        by_rule = isinstance(self.threshold, Mapping)
        threshold = self.scorer_.threshold if by_rule else self._decision().threshold
        return self.classes_[(probability >= threshold).astype(int)]

    def _decision(self) -> DecisionConfig:
        """The threshold, or the rule for it, checked."""
        rule = self.threshold if isinstance(self.threshold, Mapping) else {"threshold": self.threshold}
        return DecisionConfig.with_overrides({"threshold": DEFAULT_THRESHOLD, **rule})

    def _features(self, X: ArrayLike | pd.DataFrame, reset: bool) -> pd.DataFrame:
        """Validate `X` and bring it to a frame of numeric and text columns, named as in training."""
        if isinstance(X, pd.DataFrame):
            reject_repeated(X.columns)
            validate_data(self, X, reset=reset, skip_check_array=True)
            features = as_features(X.set_axis(X.columns.map(str), axis=1)) if reset else X
        else:
            features = feature_frame(
                validate_data(
                    self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=1
                )
            )
        return features if reset else features.set_axis(list(self.scorer_.preprocessor.columns), axis=1)

    def _labels(
        self, features: pd.DataFrame, y: ArrayLike, sample_weight: ArrayLike | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Labels as 0 and 1, and weights, both `(N,)`."""
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        target: np.ndarray = _check_y(y, estimator=self)
        if len(target) != len(features):
            raise ValueError(f"X has {len(features)} rows and y has {len(target)}: they must agree")
        self.classes_, label = two_classes(target, self.positive_label)
        if doubt := doubt_of_label(label, self.classes_[1]):
            warnings.warn(doubt, stacklevel=3)
        weight = _check_sample_weight(sample_weight, features, ensure_non_negative=True)
        return label, weight

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        return tags


class SwiftHydraSampler(ClassByClass, BaseOverSampler):
    """Over-sampling by the self-reinforcing generative module.

    For each class that is to grow, that class plays the anomaly and all others the normal rows. The
    samples that the episodes kept come first; if more are asked for, the trained policy makes them.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable
        As everywhere in imbalanced-learn.
    preparation, pretraining, synthesis : dict or None
        Fields of the stage's configuration that differ from the pipeline's defaults.
    device, random_state, verbose
        As for `SwiftHydraClassifier`.
    """

    _parameter_constraints = BaseOverSampler._parameter_constraints | {
        "preparation": [dict, None],
        "pretraining": [dict, None],
        "synthesis": [dict, None],
        "device": [str],
        "random_state": ["random_state"],
        "verbose": ["boolean"],
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        preparation: Budget = None,
        pretraining: Budget = None,
        synthesis: Budget = None,
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.preparation = preparation
        self.pretraining = pretraining
        self.synthesis = synthesis
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def _new_rows(self, X: np.ndarray, y: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        device, seed, features = choose_device(self.device), seed_of(self.random_state), feature_frame(X)
        preprocessor = TablePreprocessor.fit(features, PreparationConfig.with_overrides(self.preparation))
        scaled = preprocessor.transform(features)
        for label, n_samples in self._growing():
            rows = LabelledRows.from_arrays(scaled, (y == label).astype(int), np.ones(len(y)), device)
            made = preprocessor.inverse_transform(self._samples(rows, n_samples, seed)).to_numpy()
            yield made, np.full(n_samples, label, dtype=y.dtype)

    def _samples(self, rows: LabelledRows, n_samples: int, seed: int) -> np.ndarray:
        pretraining = PretrainingConfig.with_overrides(self.pretraining)
        synthesis = SynthesisConfig.with_overrides(self.synthesis)
        result, judge = generate(rows, pretraining, synthesis, seed, self.verbose)
        kept = result.synthetic.x[:n_samples]
        generators = stage_generators(seed, "more anomalies", rows.x.device)
        more = draw_anomalies(result, rows.anomalies, judge, n_samples - len(kept), synthesis, generators.torch)
        return torch.cat([kept, more.cpu()]).numpy()


def generate(
    rows: LabelledRows, pretraining: PretrainingConfig, synthesis: SynthesisConfig, seed: int, progress: bool = False
) -> tuple[SynthesisResult, Committee]:
    """Pretrain and run the loop, as the pipeline's stages do one after the other; the loop's result and its judge."""
    training, held_out = hold_out(rows, pretraining.detector.holdout_share, seed)
    pretrained = pretrain(training, held_out, pretraining, seed, progress)
    judge = train_judge(rows, pretraining.judge, seed, progress)
    result = synthesise(training, held_out, pretrained.cvae, pretrained.detector, judge, synthesis, seed, progress)
    return result, judge
