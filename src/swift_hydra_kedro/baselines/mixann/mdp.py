"""The iterative mix-up of MixAnN (Lai et al., CIKM 2023) as a Markov decision process (sections 3.2, 3.3, 3.5).

The paper's symbols: `x_0` and `x_1` are here the anomaly and the normal row of a pair, `alpha` is `ratio`, `n` is
`copies`, `k` is `neighbours`, `epsilon` is `termination`, `phi` is the classifier, `eta` is `label_threshold`.

Where the text contradicts itself: the anomaly is always `x_0`, as only then a lower `eta` makes more anomalies (section
4.5); of the next pair, one row is drawn from the neighbourhood and the other is the row nearest to it with the other
label (section 3.3, not algorithm 1); the baseline of eq. 5 is a mean, and so is eq. 6.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from swift_hydra_kedro.baselines.mixann.classifiers import GrowingClassifier
from swift_hydra_kedro.config import MixAnNConfig

N_ACTIONS = 4
CLIP = 10.0


class Action(NamedTuple):
    """What to do with a pair of rows (section 3.3)."""

    neighbours: int
    ratio: float
    copies: int
    termination: float

    @classmethod
    def from_unit(cls, unit: np.ndarray, config: MixAnNConfig) -> Action:
        """Scale `sigmoid(pi(s)) (4,)` by `w = (K, 1, n_max, 1)`; whole numbers are rounded, and at least 1."""
        k, ratio, n, termination = unit.tolist()
        neighbours, copies = round(k * config.max_neighbours), round(n * config.max_copies)
        return cls(max(1, neighbours), ratio, max(1, copies), termination)


class Mixture(NamedTuple):
    """A synthetic row, how often it joins the training rows, and what it was made of.

    Attributes
    ----------
    x : the row, `(P,)`
    label : 1 if it is called an anomaly
    copies : how often it joins
    anomaly, normal : numbers of the two rows that were mixed
    ratio : share of the anomaly
    """

    x: np.ndarray
    label: int
    copies: int
    anomaly: int
    normal: int
    ratio: float


class Step(NamedTuple):
    """What a step of the process gives: the mixture, its reward, the classifier's F1, and whether the walk ends."""

    mixture: Mixture
    reward: float
    f1: float
    ended: bool


def mix(x_0: np.ndarray, x_1: np.ndarray, ratio: float) -> np.ndarray:
    """Eq. 1: `alpha x_0 + (1 - alpha) x_1`."""
    return ratio * x_0 + (1 - ratio) * x_1


def hard_label(y_0: int, y_1: int, ratio: float, threshold: float) -> int:
    """Eq. 2: `y_0` if `alpha >= eta`, otherwise `y_1`."""
    return y_0 if ratio >= threshold else y_1


def improvement(metric: float, previous: Sequence[float]) -> float:
    """Eq. 5: how far the metric lies above the mean of the preceding ones."""
    return metric - sum(previous) / len(previous)


def exploration(probability: np.ndarray) -> float:
    """Eq. 6: mean of `P(y = 0) P(y = 1)` over the neighbours `(k,)` of a synthetic row; at most 1/4."""
    return float(np.mean(probability * (1 - probability)))


def macro_f1(truth: np.ndarray, flagged: np.ndarray) -> float:
    """Mean of both classes' F1 scores of masks `(N,)`; scikit-learn's takes a hundred times as long to start."""
    both, neither = np.count_nonzero(truth & flagged), np.count_nonzero(~truth & ~flagged)
    errors = len(truth) - both - neither
    return float(sum(2 * right / (2 * right + errors) if right else 0.0 for right in (both, neither)) / 2)


class MixUpProcess:
    """The process on rows `x (N, P)` with labels `y (N,)`, for one classifier.

    Parameters
    ----------
    classifier : trained on these rows; it watches the validation rows and then these, in this order
    x, y : real rows that may be mixed
    y_val : labels of the validation rows
    config : ranges of actions, reward
    rng : draws pairs
    """

    def __init__(
        self,
        classifier: GrowingClassifier,
        x: np.ndarray,
        y: np.ndarray,
        y_val: np.ndarray,
        config: MixAnNConfig,
        rng: np.random.Generator,
    ) -> None:
        self.classifier, self.x, self.y, self.y_val, self.config, self.rng = classifier, x, y, y_val, config, rng
        self.anomalies, self.normals = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
        self.partner = _nearest_with_other_label(x, y)
        self.norm = (x**2).sum(axis=1)
        self.observed = StandardScaler().fit_transform(x).clip(-CLIP, CLIP).astype(np.float32)
        self.reset()

    @property
    def state_size(self) -> int:
        """Features of both rows of a pair."""
        return 2 * self.x.shape[1]

    def reset(self) -> None:
        """Forget all synthetic rows, and start at a random pair."""
        self.classifier.reset()
        self.previous = deque([self._f1()], maxlen=self.config.baseline_window)
        self.start_walk(self.rng.choice(self.anomalies))

    def start_walk(self, anomaly: int) -> None:
        """Go to a pair of this anomaly and a random normal row (algorithm 1, line 5)."""
        self.anomaly, self.normal = int(anomaly), int(self.rng.choice(self.normals))

    def state(self) -> np.ndarray:
        """The pair, `(2 P,)`, standardised and clipped."""
        return np.concatenate([self.observed[self.anomaly], self.observed[self.normal]])

    def step(self, action: Action) -> Step:
        """Mix, let the classifier learn, reward, and go to the next pair (algorithm 1, lines 10 to 15)."""
        x_new = mix(self.x[self.anomaly], self.x[self.normal], action.ratio)
        label = hard_label(1, 0, action.ratio, self.config.label_threshold)
        mixture = Mixture(x_new, label, action.copies, self.anomaly, self.normal, action.ratio)
        self.classifier.update(np.tile(x_new, (action.copies, 1)), np.full(action.copies, label))
        near = self._nearest(x_new, action.neighbours)
        f1 = self._f1()
        reward = self._reward(f1, near)
        self.previous.append(f1)
        self._move(int(self.rng.choice(near)))
        return Step(mixture, reward, f1, action.termination >= 0.5)

    def _reward(self, f1: float, near: np.ndarray) -> float:
        """`lambda * Delta M * C`, or what is left of it in an ablation (table 4)."""
        if self.config.reward == "random":
            return float(self.rng.random())
        reward = self.config.reward_scale
        if self.config.reward != "exploration":
            reward *= improvement(f1, self.previous)
        if self.config.reward != "improvement":
            reward *= exploration(self.classifier.probability(len(self.y_val) + near))
        return reward

    def _move(self, row: int) -> None:
        """Make `row` and the row nearest to it with the other label the next pair."""
        pair = (row, int(self.partner[row]))
        self.anomaly, self.normal = pair if self.y[row] == 1 else pair[::-1]

    def _nearest(self, row: np.ndarray, k: int) -> np.ndarray:
        """Numbers of the `k` real rows nearest to a row `(P,)`."""
        k = min(k, len(self.x))
        return np.argpartition(self.norm - 2 * self.x @ row, k - 1)[:k]

    def _f1(self) -> float:
        """Macro F1 of the classifier on the validation rows."""
        flagged = self.classifier.probability(np.arange(len(self.y_val))) > 0.5
        return macro_f1(self.y_val == 1, flagged)


def _nearest_with_other_label(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """For each row the number of the row nearest to it with the other label, `(N,)`."""
    nearest = np.empty(len(x), dtype=int)
    for label in (0, 1):
        others = np.flatnonzero(y != label)
        found = NearestNeighbors(n_neighbors=1).fit(x[others]).kneighbors(x[y == label], return_distance=False)
        nearest[y == label] = others[found[:, 0]]
    return nearest
