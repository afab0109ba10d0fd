"""MixAnN (Lai et al., CIKM 2023) as an over-sampler; what it does stands in `baselines/mixann`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, get_args

import numpy as np
from imblearn.base import BaseSampler
from sklearn.utils._param_validation import StrOptions

from swift_hydra_kedro.baselines.mixann.augmentation import augment
from swift_hydra_kedro.config import MixAnNConfig
from swift_hydra_kedro.config.mixann import MixAnNClassifier
from swift_hydra_kedro.data.resampling import ClassByClass
from swift_hydra_kedro.models.runtime import seed_of


class MixAnN(ClassByClass, BaseSampler):
    """Synthetic rows that help a classifier: mixtures of rows of two classes, chosen by a policy that it rewards.

    How many there are, and of which of the two classes, is the policy's decision: classes need not come out balanced,
    and there may be no synthetic row at all.

    Parameters
    ----------
    classifier : {"knn", "xgboost", "mlp"}
        What rewards the policy.
    sampling_strategy : {"auto", "not majority", "minority", "not minority", "all"}
        Which classes are anomalies, each of them once, against all others.
    settings : dict, optional
        Fields of `MixAnNConfig` that differ from its defaults.
    random_state : int, RandomState or None
        Source of all randomness; the same int gives the same bits on a CPU.
    """

    _sampling_type = "over-sampling"
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "classifier": [StrOptions(set(get_args(MixAnNClassifier)))],
        "sampling_strategy": [StrOptions({"auto", "not majority", "minority", "not minority", "all"})],
        "settings": [dict, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        classifier: MixAnNClassifier = "knn",
        sampling_strategy: str = "auto",
        settings: dict[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.classifier = classifier
        self.settings = settings
        self.random_state = random_state

    def _new_rows(self, X: np.ndarray, y: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        config, seed = MixAnNConfig.with_overrides(self.settings), seed_of(self.random_state)
        for label, _ in self._growing():
            made = augment(X, (y == label).astype(int), self.classifier, config, seed)
            yield made.x, y[np.where(made.y == 1, made.anomaly, made.normal)]
