"""The registry of baselines: a new method is one line here and, where it needs code, one file beside.

Every method is a scikit-learn estimator that takes scaled rows. It has `predict_proba`, or a
`decision_function` that rises with abnormality.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from imblearn.pipeline import make_pipeline
from sklearn.base import BaseEstimator
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier

from swift_hydra_kedro.baselines.detectors.isolation_forest import IsolationForestDetector
from swift_hydra_kedro.baselines.oversamplers.smote import FewShotSMOTE
from swift_hydra_kedro.config import RunConfig, SwiftHydraConfig
from swift_hydra_kedro.estimator import SwiftHydraClassifier

Factory = Callable[[RunConfig, SwiftHydraConfig], BaseEstimator]


@dataclass(frozen=True)
class Baseline:
    """How a method is built, what labels it may see, and where its decision threshold comes from.

    `threshold` is `probability` for methods whose scores share Swift Hydra's scale, and `matched` for
    those that get the quantile of their training scores that matches the training share of anomalies.
    """

    build: Factory
    supervision: Literal["supervised", "unsupervised"]
    threshold: Literal["probability", "matched"] = "matched"


def _without_synthesis(run: RunConfig, config: SwiftHydraConfig) -> SwiftHydraClassifier:
    return SwiftHydraClassifier(
        preparation=config.preparation.model_dump(),
        synthesis={"enabled": False},
        detection=config.detection.model_dump(),
        device=run.device,
        random_state=run.seed,
        verbose=True,
    )


BASELINES: dict[str, Baseline] = {
    "swift_hydra_no_synthesis": Baseline(_without_synthesis, "supervised", "probability"),
    "smote": Baseline(
        lambda run, config: make_pipeline(FewShotSMOTE(random_state=run.seed), _without_synthesis(run, config)),
        "supervised",
        "probability",
    ),
    "extra_trees": Baseline(lambda run, _: ExtraTreesClassifier(300, n_jobs=-1, random_state=run.seed), "supervised"),
    "random_forest": Baseline(
        lambda run, _: RandomForestClassifier(300, n_jobs=-1, random_state=run.seed), "supervised"
    ),
    "hist_gradient_boosting": Baseline(
        lambda run, _: HistGradientBoostingClassifier(random_state=run.seed), "supervised"
    ),
    "isolation_forest": Baseline(
        lambda run, _: IsolationForestDetector(n_estimators=300, n_jobs=-1, random_state=run.seed),
        "unsupervised",
    ),
}


def get_baseline(name: str) -> Baseline:
    """Look a method up.

    Raises
    ------
    ValueError
        If there is no method of that name.
    """
    check_names([name])
    return BASELINES[name]


def check_names(names: Iterable[str]) -> None:
    """Raise a `ValueError` that lists the methods there are if one of `names` is unknown."""
    if unknown := [name for name in names if name not in BASELINES]:
        raise ValueError(f"unknown baselines {unknown} in evaluation.baselines; there are {sorted(BASELINES)}")


def fit(baseline: Baseline, estimator: Any, x: np.ndarray, y: np.ndarray) -> None:
    """Fit `estimator` on rows `x (N, P)` with the labels that its supervision allows."""
    estimator.fit(x, y if baseline.supervision == "supervised" else None)


def anomaly_score(estimator: Any, x: np.ndarray) -> np.ndarray:
    """Score of each row, `(N, P)` -> `(N,)`: higher is more anomalous."""
    if hasattr(estimator, "predict_proba"):
        return estimator.predict_proba(x)[:, 1]
    return estimator.decision_function(x)
