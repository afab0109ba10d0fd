"""The registry of baselines: a new method is one line here and, where it needs code, one file beside.

A name in `evaluation.baselines` is that of a detector, `extra_trees`; that of an over-sampler and the detector that it
feeds, `smote__extra_trees`; or that of an over-sampler alone, `smote`, which then takes the place of Swift Hydra's own
synthesis and feeds its mixture.
"""

from __future__ import annotations

from collections.abc import Iterable

from swift_hydra_kedro.baselines.method import Detector, Method, Oversampler, seeded
from swift_hydra_kedro.config import RunConfig, SwiftHydraConfig
from swift_hydra_kedro.estimator import SwiftHydraClassifier

OWN = "swift_hydra_kedro.baselines"
FED = "swift_hydra_no_synthesis"
BETWEEN = "__"


def _without_synthesis(run: RunConfig, config: SwiftHydraConfig) -> SwiftHydraClassifier:
    return SwiftHydraClassifier(
        preparation=config.preparation.model_dump(),
        synthesis={"enabled": False},
        detection=config.detection.model_dump(),
        device=run.device,
        random_state=run.seed,
        verbose=True,
    )


DETECTORS: dict[str, Detector] = {
    FED: Detector(
        build=_without_synthesis,
        family="mixture of experts",
        paper="Swift Hydra, ICLR 2025",
        checked="the plain mixture, in double precision",
        supervision="supervised",
        threshold="probability",
    ),
    "extra_trees": Detector(
        build=seeded("sklearn.ensemble.ExtraTreesClassifier", n_estimators=300, n_jobs=-1),
        family="trees",
        paper="Geurts et al., Machine Learning 2006",
        library="sklearn",
        supervision="supervised",
    ),
    "random_forest": Detector(
        build=seeded("sklearn.ensemble.RandomForestClassifier", n_estimators=300, n_jobs=-1),
        family="trees",
        paper="Breiman, Machine Learning 2001",
        library="sklearn",
        supervision="supervised",
    ),
    "hist_gradient_boosting": Detector(
        build=seeded("sklearn.ensemble.HistGradientBoostingClassifier"),
        family="boosted trees",
        paper="Ke et al., NeurIPS 2017",
        library="sklearn",
        supervision="supervised",
    ),
    "xgboost": Detector(
        build=seeded("xgboost.XGBClassifier", n_estimators=300, learning_rate=0.05),
        family="boosted trees",
        paper="Chen and Guestrin, KDD 2016",
        library="xgboost",
        supervision="supervised",
    ),
    "lightgbm": Detector(
        build=seeded("lightgbm.LGBMClassifier", n_estimators=300, learning_rate=0.05, verbose=-1),
        family="boosted trees",
        paper="Ke et al., NeurIPS 2017",
        library="lightgbm",
        supervision="supervised",
    ),
    "catboost": Detector(
        build=seeded("catboost.CatBoostClassifier", verbose=0, allow_writing_files=False),
        family="boosted trees",
        paper="Prokhorenkova et al., NeurIPS 2018",
        library="catboost",
        supervision="supervised",
    ),
    "isolation_forest": Detector(
        build=seeded(f"{OWN}.detectors.isolation_forest.IsolationForestDetector", n_estimators=300, n_jobs=-1),
        family="isolation",
        paper="Liu et al., ICDM 2008",
        library="sklearn",
        supervision="unsupervised",
    ),
}

OVERSAMPLERS: dict[str, Oversampler] = {
    "mixann": Oversampler(
        build=seeded(f"{OWN}.oversamplers.mixann.MixAnN"),
        family="mix-up by a learned policy",
        paper="Lai et al., CIKM 2023",
        checked="equations by hand, retrained scikit-learn classifiers, a bandit with a known optimum",
    ),
    "smote": Oversampler(
        build=seeded(f"{OWN}.oversamplers.smote.FewShotSMOTE"),
        family="interpolation",
        paper="Chawla et al., JAIR 2002",
        library="imblearn",
    ),
}


def get_method(name: str) -> Method:
    """Look a method up.

    Raises
    ------
    ValueError
        If there is no method of that name.
    """
    if name in OVERSAMPLERS:
        return Method(DETECTORS[FED], OVERSAMPLERS[name])
    oversampler, between, detector = name.rpartition(BETWEEN)
    if detector not in DETECTORS or (between and oversampler not in OVERSAMPLERS):
        raise ValueError(
            f"unknown baseline {name!r}; there are the detectors {sorted(DETECTORS)}, the over-samplers "
            f"{sorted(OVERSAMPLERS)}, and both, joined by {BETWEEN!r}"
        )
    return Method(DETECTORS[detector], OVERSAMPLERS[oversampler] if between else None)


def check_names(names: Iterable[str]) -> None:
    """Raise an error if a name is unknown (`ValueError`), or the library that it needs is missing (`ImportError`)."""
    for name in names:
        get_method(name).check_installed()
