"""SMOTE and its kin, from imbalanced-learn, that also work where labelled anomalies are very few.

SMOTE (Chawla et al., JAIR 2002) interpolates between an anomaly and one of the anomalies nearest to it. The others
choose the anomalies that it starts from: those with many normal neighbours (Borderline-SMOTE, Han et al., ICIC 2005;
ADASYN, He et al., IJCNN 2008) or the support vectors of an SVM (SVM-SMOTE, Nguyen et al., IJKESDP 2011).

Where one of those finds no anomaly to start from, plain SMOTE takes its place; where there is a single anomaly, it is
repeated. The log tells either. With enough anomalies each gives imbalanced-learn's own rows, and as many as it does:
ADASYN rounds the number of each anomaly, and SVM-SMOTE makes about half as many where its support vectors are all in
danger, or all safe.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from typing import Any, Self

import numpy as np
from imblearn.over_sampling import ADASYN, SMOTE, SVMSMOTE, BorderlineSMOTE, RandomOverSampler
from imblearn.over_sampling.base import BaseOverSampler
from sklearn.neighbors import NearestNeighbors
from sklearn.svm import SVC

from swift_hydra_kedro.data.splitting import part_of_each_class
from swift_hydra_kedro.models.runtime import seed_of

logger = logging.getLogger(__name__)
NEIGHBOURS = 5
DANGER_NEIGHBOURS = 10
SVM_ROWS = 10_000
REPEATED = "SMOTE needs two rows to interpolate between and there is one: it is repeated instead"
Wanted = dict[Any, int]


class FewShotSMOTE(BaseOverSampler):
    """SMOTE with as many neighbours as there are, up to five; a single anomaly is repeated instead."""

    def __init__(self, *, sampling_strategy: Any = "auto", random_state: Any = None) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.random_state = random_state

    def _fit_resample(self, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        present = {label: int(np.count_nonzero(y == label)) for label in self.sampling_strategy_}
        wanted = {label: present[label] + more for label, more in self.sampling_strategy_.items() if more}
        if not wanted:
            return X, y
        smallest = min(present[label] for label in wanted)
        if smallest < 2:
            logger.warning(REPEATED)
            return self._resample(RandomOverSampler(), X, y, wanted)
        return self._interpolate(X, y, wanted, min(NEIGHBOURS, smallest - 1))

    def _interpolate(
        self, X: np.ndarray, y: np.ndarray, wanted: Wanted, neighbours: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Grow each class, which has more rows than `neighbours`, to the number of rows wanted."""
        return self._resample(SMOTE(k_neighbors=neighbours), X, y, wanted)

    def _resample(
        self, sampler: BaseOverSampler, X: np.ndarray, y: np.ndarray, wanted: Wanted
    ) -> tuple[np.ndarray, np.ndarray]:
        return sampler.set_params(sampling_strategy=wanted, random_state=self.random_state).fit_resample(X, y)


class _FromChosenRows(FewShotSMOTE):
    """SMOTE from some of the anomalies; from all where there are none to choose."""

    @abstractmethod
    def _sampler(self, neighbours: int, n_rows: int) -> BaseOverSampler:
        """Imbalanced-learn's, for a table of `n_rows` rows."""

    def _interpolate(
        self, X: np.ndarray, y: np.ndarray, wanted: Wanted, neighbours: int
    ) -> tuple[np.ndarray, np.ndarray]:
        sampler = self._sampler(neighbours, X.shape[0])
        try:
            new_X, new_y = self._resample(sampler, X, y, wanted)
            if all(np.count_nonzero(new_y == label) > np.count_nonzero(y == label) for label in wanted):
                return new_X, new_y
            reason = "No row is in danger."
        except (RuntimeError, ValueError) as error:  # how imbalanced-learn says that it has no row to start from
            reason = str(error)
        logger.warning("%s has no row to start from, plain SMOTE takes its place: %s", type(sampler).__name__, reason)
        return super()._interpolate(X, y, wanted, neighbours)


class FewShotBorderlineSMOTE(_FromChosenRows):
    """SMOTE from anomalies half or more of whose neighbours, but not all, are normal."""

    def _sampler(self, neighbours: int, n_rows: int) -> BaseOverSampler:
        return BorderlineSMOTE(k_neighbors=neighbours, m_neighbors=min(DANGER_NEIGHBOURS, n_rows - 1))


class FewShotADASYN(_FromChosenRows):
    """SMOTE from each anomaly the more often, the more of its neighbours are normal."""

    def _sampler(self, neighbours: int, n_rows: int) -> BaseOverSampler:
        return ADASYN(n_neighbors=neighbours)


class FewShotSVMSMOTE(_FromChosenRows):
    """SMOTE from an SVM's support vectors: towards other anomalies in danger, and outwards where it is safe."""

    def _sampler(self, neighbours: int, n_rows: int) -> BaseOverSampler:
        return SVMSMOTE(
            k_neighbors=neighbours,
            m_neighbors=min(DANGER_NEIGHBOURS, n_rows - 1),
            svm_estimator=_BoundedSVC(gamma="scale", random_state=self.random_state),
        )


class _BoundedSVC(SVC):
    """An SVM, whose cost grows with the square of the rows, of a random part of them where they are too many."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        if X.shape[0] <= SVM_ROWS:
            return super().fit(X, y)
        logger.warning("SVM-SMOTE looks for support vectors among %d of %d rows", SVM_ROWS, X.shape[0])
        labels, counts = np.unique(y, return_counts=True)
        rarest, rng = labels[counts.argmin()], np.random.default_rng(seed_of(self.random_state))
        kept = np.concatenate(part_of_each_class(y == rarest, SVM_ROWS / X.shape[0], rng))
        super().fit(X[kept], y[kept])
        self.support_: np.ndarray = kept[self.support_]
        return self


def interpolate(rows: np.ndarray, n_samples: int, rng: np.random.Generator) -> np.ndarray:
    """SMOTE of rows `(m, P)` alone, as a step of other methods: new rows `(n_samples, P)`; a single row is repeated."""
    if len(rows) == 1:
        logger.warning(REPEATED)
        return np.repeat(rows, n_samples, axis=0)
    nearest = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(rows) - 1)).fit(rows).kneighbors(return_distance=False)
    start = rng.integers(len(rows), size=n_samples)
    end = nearest[start, rng.integers(nearest.shape[1], size=n_samples)]
    return rows[start] + rng.random((n_samples, 1)) * (rows[end] - rows[start])
