"""What the registry holds, and how a method is fitted: with the labels that its supervision allows, and no others."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from swift_hydra_kedro.config import RunConfig, SwiftHydraConfig
from swift_hydra_kedro.data.splitting import part_of_each_class
from swift_hydra_kedro.evaluation.metrics import matched_threshold

logger = logging.getLogger(__name__)

Factory = Callable[[RunConfig, SwiftHydraConfig], Any]
Supervision = Literal["unsupervised", "one-class", "weakly supervised", "supervised"]
PIP_NAMES = {"sklearn": "scikit-learn", "imblearn": "imbalanced-learn", "xgboost": "xgboost-cpu"}


@dataclass(frozen=True)
class _Entry:
    """What the registry says of every method.

    Attributes
    ----------
    build : makes it, untrained, from the run's seed and device and the project's configuration
    family : what kind of method it is, in a word or two
    paper : who described it, where and when
    library : the module it comes from; without one, it is written here
    needs : further modules that do not come with that one
    checked : for what is written here: the independent thing that its tests compare it with
    stages : of the project's configuration, those that `build` reads
    """

    build: Factory
    family: str
    paper: str
    library: str | None = None
    needs: tuple[str, ...] = ()
    checked: str = ""
    stages: tuple[str, ...] = ()

    @property
    def package(self) -> str:
        """What to install for it; nothing for what is written here."""
        return _package_of(self.library) if self.library else ""


@dataclass(frozen=True, kw_only=True)
class Detector(_Entry):
    """A detector: a scikit-learn estimator with `predict_proba`, or a `decision_function` higher for anomalies.

    Attributes
    ----------
    supervision : what it gets to see. Unsupervised: rows alone; one-class: rows that are not labelled anomalous;
        weakly supervised: rows labelled anomalous, and all others as unlabelled ones; supervised: rows and labels
    max_rows : of more training rows than this, it gets a random part of this size, and the log says so
    threshold : `probability` for networks of this package, which get Swift Hydra's threshold, calibrated or not;
        `matched` for those that get the quantile of their training scores that matches the training share of anomalies
    """

    supervision: Supervision
    max_rows: int | None = None
    threshold: Literal["probability", "matched"] = "matched"


@dataclass(frozen=True, kw_only=True)
class Oversampler(_Entry):
    """An over-sampler with imbalanced-learn's `fit_resample`, which gives the rows that it got and then those made."""


@dataclass(frozen=True)
class Method:
    """A detector, and the over-sampler that feeds it, if one does."""

    detector: Detector
    oversampler: Oversampler | None = None

    @property
    def entries(self) -> list[Detector | Oversampler]:
        """The detector, and the over-sampler if there is one."""
        return [entry for entry in (self.detector, self.oversampler) if entry]

    def check_installed(self) -> None:
        """Raise an `ImportError` that says what to install if a library is missing."""
        for module in [name for entry in self.entries for name in (entry.library, *entry.needs) if name]:
            if importlib.util.find_spec(module) is None:
                raise ImportError(f"{_package_of(module)} is not installed: pip install -e '.[benchmark]'")

    def fit(self, x: np.ndarray, y: np.ndarray, run: RunConfig, config: SwiftHydraConfig) -> FittedMethod:
        """Train on scaled rows `x (N, P)` with labels `y (N,)`, 1 = anomaly.

        Raises
        ------
        ValueError
            If shapes differ, a value is not finite, or labels are not 0 and 1, both of them.
        ImportError
            If the method's library is missing.
        """
        x = _checked_rows(x)
        y = _checked_labels(x, y)
        self.check_installed()
        x, y = _at_most(self.detector.max_rows, x, y, run.seed)
        n_real = len(x)
        if self.oversampler:
            x, y = self.oversampler.build(run, config).fit_resample(x, y)
        estimator = self.detector.build(run, config)
        if self.detector.supervision == "unsupervised":
            estimator.fit(x)
        elif self.detector.supervision == "one-class":
            estimator.fit(x[y == 0])
        else:
            estimator.fit(x, y)
        generated = x[n_real:][y[n_real:] == 1] if self.oversampler else getattr(estimator, "synthetic_", x[:0])
        return FittedMethod(estimator, x.shape[1], np.asarray(generated, x.dtype))

    def try_out(
        self, x: np.ndarray, y: np.ndarray, x_test: np.ndarray, run: RunConfig, config: SwiftHydraConfig
    ) -> Trial:
        """Train as `fit` does and score other rows `x_test (M, P)`, with the seconds that each takes."""
        start = time.perf_counter()
        fitted_method = self.fit(x, y, run, config)
        fitted = time.perf_counter()
        score = fitted_method.score(x_test)
        return Trial(fitted_method, score, fitted - start, time.perf_counter() - fitted)

    def threshold(self, fitted: FittedMethod, x: np.ndarray, y: np.ndarray) -> float | None:
        """The least score that is called an anomaly, by training rows `x`, `y`; None if Swift Hydra's is to serve."""
        return None if self.detector.threshold == "probability" else matched_threshold(fitted.score(x), float(y.mean()))


@dataclass(frozen=True)
class FittedMethod:
    """A trained detector.

    Attributes
    ----------
    estimator : it
    n_features : P, of the rows that it was trained on
    generated : scaled anomalies `(G, P)` that joined these: the over-sampler's, or without one the detector's own
    """

    estimator: Any
    n_features: int
    generated: np.ndarray

    def score(self, x: np.ndarray) -> np.ndarray:
        """Score of each row, `(N, P)` -> `(N,)`, float64: higher is more anomalous.

        Raises
        ------
        ValueError
            If rows have another number of features than in training, or a value is not finite.
        """
        x = _checked_rows(x)
        if x.shape[1] != self.n_features:
            raise ValueError(f"rows have {x.shape[1]} features; the method was trained on {self.n_features}")
        if hasattr(self.estimator, "predict_proba") and not hasattr(self.estimator, "decision_function"):
            return self.estimator.predict_proba(x)[:, 1].astype(float)
        return np.asarray(self.estimator.decision_function(x), dtype=float)

    def rejected_share(self, x: np.ndarray) -> float | None:
        """Share of the rows `(N, P)` that the detector scores but declines to decide; None for one that decides all."""
        return float(self.estimator.rejects(x).mean()) if hasattr(self.estimator, "rejects") else None


@dataclass(frozen=True)
class Trial:
    """A trained method, what it says of M other rows, `score (M,)`, and the seconds that both took."""

    fitted: FittedMethod
    score: np.ndarray
    fit_seconds: float
    predict_seconds: float


def seedless(path: str, **settings: Any) -> Factory:
    """Make the class at `module.Class`; the module is imported when a method is built, not before."""
    return lambda run, config: _class_at(path)(**settings)


def seeded(path: str, **settings: Any) -> Factory:
    """The same with the run's seed as `random_state`."""
    return lambda run, config: _class_at(path)(random_state=run.seed, **settings)


def on_device(path: str, **settings: Any) -> Factory:
    """The same with the run's device, too."""
    return lambda run, config: _class_at(path)(random_state=run.seed, device=run.device, **settings)


def _package_of(module: str) -> str:
    return PIP_NAMES.get(module, module.replace("_", "-"))


def _class_at(path: str) -> Any:
    module, name = path.rsplit(".", 1)
    return getattr(importlib.import_module(module), name)


def _checked_rows(rows: np.ndarray) -> np.ndarray:
    """Rows as an array of floats `(N, P)`, whatever they come as."""
    try:
        x = np.asarray(rows)
        x = x if x.dtype.kind == "f" else x.astype(float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"rows must be a table of numbers: {error}") from error
    if x.ndim != 2 or not x.size:
        raise ValueError(f"rows must be a table with rows and columns; their shape is {x.shape}")
    bad = ~np.isfinite(x)
    if bad.any():
        raise ValueError(
            f"{bad.any(axis=1).sum()} rows hold NaN or infinite values, in columns {_some(bad.any(axis=0))}"
        )
    return x


def _checked_labels(x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    y = np.asarray(labels)
    if np.shape(y) != (len(x),):
        raise ValueError(f"there are {len(x)} rows and labels of shape {np.shape(y)}: one each is needed")
    if (found := set(y.tolist())) != {0, 1}:
        raise ValueError(f"labels must be 0 and 1, both of them; they are {sorted(found, key=str)}")
    return y


def _some(flags: np.ndarray, most: int = 5) -> str:
    numbers = np.flatnonzero(flags).tolist()
    return str(numbers[:most])[1:-1] + (f" and {len(numbers) - most} more" if len(numbers) > most else "")


def _at_most(max_rows: int | None, x: np.ndarray, y: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A random part of the rows if they are too many, of both classes in their proportion, two at least."""
    if max_rows is None or len(x) <= max_rows:
        return x, y
    logger.warning("trained on %d of %d rows, drawn at random: the method's limit", max_rows, len(x))
    rng = np.random.default_rng(seed)
    kept = rng.permutation(np.concatenate(part_of_each_class(y, max_rows / len(x), rng)))
    return x[kept], y[kept]
