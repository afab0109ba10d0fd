"""AutoSMOTE (Zha et al., CIKM 2022): a policy learns by trial which rows SMOTE should make.

It decides on three levels: how many of the rows asked for are made at all; how many of these start from each anomaly;
and, for each of them, to which of up to 30 neighbours it goes and how far. In an episode all decisions are taken, a
classifier is trained on a part of the training rows and the rows made, and the reward is its average precision on the
rest. Where the paper leaves a choice, or costs more than a baseline may: the state of an anomaly is its standardised
row, and the levels share one network; the gradient is that of REINFORCE, after every `ROUND` episodes, whose mean
reward is the baseline; extremely randomised trees are the classifier, on at most `MAX_ROWS` rows; the anomalies' shares
in the rows made are weights of 0 to 4; and how far a row goes is drawn evenly from one of five parts of the way.

With fewer than `MIN_ROWS` anomalies, or others, none can be held out: the policy stays as it begins, which is SMOTE but
for the anomalies' weights, which are drawn at random. A single anomaly, its own neighbour, is repeated.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import average_precision_score
from sklearn.neighbors import NearestNeighbors
from sklearn.utils._param_validation import Interval
from torch import Tensor, nn

from swift_hydra_kedro.baselines.oversamplers.base import OwnOverSampler
from swift_hydra_kedro.baselines.oversamplers.standardisation import Standardisation, generator_of
from swift_hydra_kedro.baselines.training import descend
from swift_hydra_kedro.models.layers import seeded_init
from swift_hydra_kedro.models.runtime import narrow_threads

logger = logging.getLogger(__name__)
NEIGHBOURS, WEIGHTS, PARTS = 30, 5, 5
ROUND = 8
MIN_ROWS = 6
MAX_ROWS = 2000
HELD_OUT = 1 / 3
TREES = 20


class AutoSMOTE(OwnOverSampler):
    """SMOTE by a learned policy.

    Parameters
    ----------
    episodes : classifiers trained to learn from
    ratios : of the rows asked for, those that the policy may have made; first the one that it begins with. The paper's
        are 0 to 1, so that fewer rows come out than are asked for; 1 alone makes exactly as many
    hidden_size : of the policy
    learning_rate : of Adam
    sampling_strategy, random_state : as in all over-samplers
    """

    _parameter_constraints: ClassVar[dict] = {
        **OwnOverSampler._parameter_constraints,
        "episodes": [Interval(Integral, 0, None, closed="left")],
        "ratios": ["array-like"],
        "hidden_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        *,
        episodes: int = 64,
        ratios: Sequence[float] = (1.0,),
        hidden_size: int = 32,
        learning_rate: float = 0.02,
        sampling_strategy: Any = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy, random_state=random_state)
        self.episodes, self.ratios = episodes, ratios
        self.hidden_size, self.learning_rate = hidden_size, learning_rate

    def _make(self, minority: np.ndarray, majority: np.ndarray, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        if not len(self.ratios) or not all(0 <= ratio <= 1 for ratio in self.ratios):
            raise ValueError(f"ratios must be numbers from 0 to 1, at least one; they are {self.ratios}")
        generator = generator_of(rng, torch.device("cpu"))
        standardisation = Standardisation.fit(np.concatenate([minority, majority]))
        with seeded_init(generator), narrow_threads(minority.shape[1]):
            policy = Policy(minority.shape[1], self.hidden_size, self.ratios)
            if min(len(minority), len(majority)) < MIN_ROWS:
                logger.warning(
                    "fewer than %d rows of a class, too few to hold any out: the policy learns nothing", MIN_ROWS
                )
            else:
                if (n_rows := len(minority) + len(majority)) > MAX_ROWS:
                    logger.warning("AutoSMOTE tries what it makes on %d of %d rows", MAX_ROWS, n_rows)
                trial = Trial.of(minority, majority, n_samples, rng)
                anomalies = Anomalies.of(trial.minority, standardisation)
                learn(policy, anomalies, trial.n_samples, trial.reward, self.episodes, self.learning_rate, generator)
            anomalies = Anomalies.of(minority, standardisation)
            return anomalies.make(policy.decide(anomalies, n_samples, generator, best_ratio=True), generator)


@dataclass(frozen=True)
class Decisions:
    """What a policy has decided: `ratio ()`; `weight (m,)` per anomaly; `start`, `neighbour`, `part (n,)` per row."""

    ratio: Tensor
    weight: Tensor
    start: Tensor
    neighbour: Tensor
    part: Tensor


@dataclass(frozen=True)
class Anomalies:
    """Rows to start from: `rows (m, P)`, standardised ones `state (m, P)`, and the nearest others `near (m, K)`."""

    rows: np.ndarray
    state: Tensor
    near: Tensor

    @classmethod
    def of(cls, rows: np.ndarray, standardisation: Standardisation) -> Anomalies:
        """Find up to `NEIGHBOURS` neighbours of each."""
        state = standardisation.apply(rows, torch.device("cpu"))
        if len(rows) == 1:
            return cls(rows, state, torch.zeros(1, 1, dtype=torch.int64))
        search = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(rows) - 1)).fit(state.numpy())
        return cls(rows, state, torch.from_numpy(search.kneighbors(return_distance=False)))

    def make(self, decisions: Decisions, generator: torch.Generator) -> np.ndarray:
        """Rows on the way from their start to their neighbour, `(n, P)`."""
        way = (decisions.part + torch.rand(len(decisions.part), generator=generator)).double() / PARTS  # (n,)
        start = self.rows[decisions.start.numpy()]
        end = self.rows[self.near[decisions.start, decisions.neighbour].numpy()]
        return start + way.numpy()[:, None] * (end - start)


class Policy(nn.Module):
    """States `(m, P)` -> logits of the ratio `(R,)`, the weights `(m, 5)`, neighbours `(m, 30)` and parts `(m, 5)`.

    Every choice is equally likely at first.
    """

    def __init__(self, n_features: int, hidden_size: int, ratios: Sequence[float]) -> None:
        super().__init__()
        self.ratios = ratios
        self.ratio = nn.Parameter(torch.zeros(len(ratios)))
        self.body = nn.Sequential(nn.Linear(n_features, hidden_size), nn.Tanh())
        self.head = nn.Linear(hidden_size, WEIGHTS + NEIGHBOURS + PARTS)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, anomalies: Anomalies) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Logits of the choices; only of neighbours that there are."""
        weight, neighbour, part = self.head(self.body(anomalies.state)).split([WEIGHTS, NEIGHBOURS, PARTS], dim=1)
        return self.ratio, weight, neighbour[:, : anomalies.near.shape[1]], part

    @torch.no_grad()
    def decide(
        self, anomalies: Anomalies, n_samples: int, generator: torch.Generator, best_ratio: bool = False
    ) -> Decisions:
        """Draw decisions on at most `n_samples` rows; the ratio may be the most probable one instead."""
        ratios, weights, neighbours, parts = (logits.softmax(-1) for logits in self(anomalies))
        ratio = ratios.argmax() if best_ratio else _draw(ratios[None], generator)[0]
        weight = _draw(weights, generator)  # (m,)
        start = allotted(weight, round(self.ratios[int(ratio)] * n_samples))  # (n,)
        return Decisions(ratio, weight, start, _draw(neighbours[start], generator), _draw(parts[start], generator))

    def log_prob(self, anomalies: Anomalies, decisions: Decisions) -> Tensor:
        """Log-probability of the decisions, the mean over those of a level, summed over the levels."""
        ratios, weights, neighbours, parts = (logits.log_softmax(-1) for logits in self(anomalies))
        value = ratios[decisions.ratio] + _chosen(weights, decisions.weight).mean()
        if not len(decisions.start):
            return value
        rows = _chosen(neighbours[decisions.start], decisions.neighbour) + _chosen(
            parts[decisions.start], decisions.part
        )
        return value + rows.mean()


@dataclass(frozen=True)
class Trial:
    """What a reward is measured on: rows to train on, how many to make of them, and rows held out with their labels."""

    minority: np.ndarray
    majority: np.ndarray
    n_samples: int
    held_out: np.ndarray
    label: np.ndarray
    seed: int

    @classmethod
    def of(cls, minority: np.ndarray, majority: np.ndarray, n_samples: int, rng: np.random.Generator) -> Trial:
        """Hold a third of both classes out; the rows to be made keep the ratio of classes that `n_samples` leads to."""
        anomalies = rng.permutation(minority)[: MAX_ROWS // 2]
        normals = rng.permutation(majority)[: MAX_ROWS - len(anomalies)]
        n_out, m_out = (round(HELD_OUT * len(rows)) for rows in (normals, anomalies))
        n, m = len(normals) - n_out, len(anomalies) - m_out
        wanted = round(n * (len(minority) + n_samples) / len(majority)) - m
        held_out = np.concatenate([normals[n:], anomalies[m:]])
        label = np.repeat([0, 1], [n_out, m_out])
        return cls(anomalies[:m], normals[:n], max(wanted, 1), held_out, label, int(rng.integers(2**31)))

    def reward(self, made: np.ndarray) -> float:
        """Average precision on the rows held out of trees that saw the rows made, `(n, P)`, as anomalies."""
        rows = np.concatenate([self.majority, self.minority, made])
        label = np.arange(len(rows)) >= len(self.majority)
        trees = ExtraTreesClassifier(TREES, random_state=self.seed).fit(rows, label)
        return float(average_precision_score(self.label, trees.predict_proba(self.held_out)[:, 1]))


def learn(
    policy: Policy,
    anomalies: Anomalies,
    n_samples: int,
    reward: Callable[[np.ndarray], float],
    episodes: int,
    learning_rate: float,
    generator: torch.Generator,
) -> None:
    """Improve the policy by REINFORCE on the `reward` of the rows made in each episode."""
    optimiser = torch.optim.Adam(policy.parameters(), learning_rate)
    for first in range(0, episodes, ROUND):
        taken = [policy.decide(anomalies, n_samples, generator) for _ in range(min(ROUND, episodes - first))]
        rewards = torch.tensor([reward(anomalies.make(decisions, generator)) for decisions in taken])
        advantage = (rewards - rewards.mean()) / rewards.std(correction=0).clamp(min=1e-6)
        log_prob = torch.stack([policy.log_prob(anomalies, decisions) for decisions in taken])
        descend((-advantage * log_prob).mean(), optimiser)


def allotted(weight: Tensor, n: int) -> Tensor:
    """Start of each of `n` rows, `(n,)`: anomalies get them by their `weight (m,)`; largest remainders are rounded up.

    Weights of zero throughout count as equal ones.
    """
    share = weight.double() if weight.any() else torch.ones(len(weight), dtype=torch.float64)
    quota = n * share / share.sum()
    count = quota.floor().long()
    count[(count - quota).argsort(stable=True)[: n - int(count.sum())]] += 1
    return torch.arange(len(weight)).repeat_interleave(count)


def _draw(probability: Tensor, generator: torch.Generator) -> Tensor:
    """One choice of each row of probabilities, `(B, C)` -> `(B,)`."""
    return torch.multinomial(probability, 1, generator=generator).squeeze(1)


def _chosen(values: Tensor, choice: Tensor) -> Tensor:
    """Of each row, the value chosen: `(B, C)`, `(B,)` -> `(B,)`."""
    return values.gather(1, choice[:, None]).squeeze(1)
