"""What a score is made of: contributions of the columns, the nearest known anomalies, and the experts that decided."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real

import numpy as np
import pandas as pd
import torch
from scipy.special import logit

from swift_hydra_kedro.config import ExplanationConfig
from swift_hydra_kedro.data.columns import is_numeric, text_of
from swift_hydra_kedro.data.encoding import Name
from swift_hydra_kedro.explanation.shapley import shapley_values
from swift_hydra_kedro.models.runtime import stage_generators
from swift_hydra_kedro.scorer import Scorer

MISSING, ID = "(missing)", "id."


@dataclass(frozen=True)
class Explanations:
    """Of N rows, what each score is made of.

    Attributes
    ----------
    values
        The rows, in the table's units, of the T columns that vary in training.
    score
        Probabilities, `(N,)`.
    base
        Log-odds of the score that contributions are added to: the mean over normal training rows.
    contributions
        What each column adds, in the same order; with the base, they add up to the log-odds of the score.
    reasons
        The columns that speak most for an anomaly, in words: `reason_1` is `column = value (+1.23)`, or empty.
    experts
        Columns `number`, `weight` and `score` below `expert_1`, that of most weight, below `expert_2` and so on. An
        expert's score is what the row's would be if it decided alone.
    nearest
        Columns `row`, the number in the source, `id.<name>` for each id, and `distance` below `anomaly_1`, the nearest
        training anomaly, below `anomaly_2` and so on.
    typical_distance
        Median distance of a training anomaly from the nearest other one.
    """

    values: pd.DataFrame
    score: np.ndarray
    base: float
    contributions: pd.DataFrame
    reasons: pd.DataFrame
    experts: pd.DataFrame
    nearest: pd.DataFrame
    typical_distance: float

    def to_frame(self) -> pd.DataFrame:
        """All but the values, one row each."""
        ranked = pd.concat([self.nearest, self.experts], axis=1)
        ranked.columns = ranked.columns.map(".".join)
        parts = [self.reasons, ranked, self.contributions.add_prefix("contribution.")]
        numbers = {"score": self.score, "base": self.base, "typical_distance": self.typical_distance}
        return pd.concat([pd.DataFrame(numbers, self.values.index), *parts], axis=1)


class Explainer:
    """Explains what a model says of rows.

    Parameters
    ----------
    scorer
        The model.
    config
        How exactly, and how much is named.
    seed
        Of the permutations; the same seed gives the same bits.
    progress
        Show a bar.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from swift_hydra_kedro import SwiftHydraClassifier
    >>> X, y = make_classification(300, weights=[0.9], random_state=0)
    >>> frame = pd.DataFrame(X).add_prefix("column ")
    >>> budget = {"training": {"max_steps": 20}}
    >>> model = SwiftHydraClassifier(
    ...     synthesis={"enabled": False},
    ...     detection={"experts": budget, "gate": budget | {"joint_training": None}},
    ...     random_state=0,
    ... )
    >>> explained = Explainer(model.fit(frame, y).scorer_).explain(frame.head(2))
    >>> bool(np.allclose(explained.base + explained.contributions.sum(axis=1), logit(explained.score)))
    True
    """

    def __init__(
        self, scorer: Scorer, config: ExplanationConfig | None = None, seed: int = 0, progress: bool = False
    ) -> None:
        self.scorer, self.reference = scorer, scorer.reference
        self.config = config or ExplanationConfig()
        self.seed, self.progress = seed, progress
        sources = scorer.preprocessor.source_of_features
        self.columns = [name for name in scorer.preprocessor.columns if name in set(sources)]
        self.player = np.array([self.columns.index(name) for name in sources])

    def explain(self, features: pd.DataFrame) -> Explanations:
        """Explain rows.

        Raises
        ------
        ValueError
            If a column that the model was trained on is missing or has another type.
        """
        x = self.scorer.preprocessor.transform(features)
        normal = self.reference.normal
        starts = normal[np.arange(self.config.pairs) % len(normal)]
        rng = stage_generators(self.seed, "explanation", self.scorer.predictor.device).numpy
        values = features[self.columns]
        contributions, base = shapley_values(self._log_odds, x, starts, self.player, rng, self.progress)
        return Explanations(
            values=values,
            score=self.scorer.predictor(x),
            base=base,
            contributions=pd.DataFrame(contributions, features.index, self.columns),
            reasons=_reasons(values, contributions, self.config.reasons),
            experts=self._experts(x).set_axis(features.index),
            nearest=self._nearest(x).set_axis(features.index),
            typical_distance=self.reference.typical_distance,
        )

    @property
    def typical(self) -> pd.Series:
        """Of each column, the median or the most frequent category of the normal reference rows."""
        normal = self.scorer.preprocessor.inverse_transform(self.reference.normal)[self.columns]
        return normal.apply(lambda column: column.median() if is_numeric(column) else column.mode(dropna=False)[0])

    def _log_odds(self, x: np.ndarray) -> np.ndarray:
        limits = np.finfo(np.float64)
        return logit(self.scorer.predictor(x).clip(limits.tiny, 1 - limits.eps))

    @torch.inference_mode()
    def _experts(self, x: np.ndarray) -> pd.DataFrame:
        mixture = self.scorer.mixture
        weight, chosen, probability = mixture.votes(torch.as_tensor(x, device=self.scorer.predictor.device))
        parts = {"number": chosen, "weight": weight, "score": mixture.calibration(probability)}
        of_rank = [
            {name: part[:, rank].cpu().numpy() for name, part in parts.items()} for rank in range(chosen.shape[1])
        ]
        return pd.concat({f"expert_{rank}": pd.DataFrame(own) for rank, own in enumerate(of_rank, start=1)}, axis=1)

    def _nearest(self, x: np.ndarray) -> pd.DataFrame:
        number, distance = self.reference.nearest(x, self.config.nearest)
        known = self.reference.known.add_prefix(ID).reset_index(names="row")
        of_rank = [
            known.iloc[own].reset_index(drop=True).assign(distance=far)
            for own, far in zip(number.T, distance.T, strict=True)
        ]
        return pd.concat({f"anomaly_{rank}": own for rank, own in enumerate(of_rank, start=1)}, axis=1)


def shown(value: object) -> str:
    """A value as people read it."""
    if pd.isna(value):
        return MISSING
    if isinstance(value, Real) and not float(value).is_integer():
        return f"{value:.6g}"
    return text_of(value)


def _reasons(values: pd.DataFrame, contributions: np.ndarray, n: int) -> pd.DataFrame:
    order = (-contributions).argsort(axis=1, kind="stable")[:, :n]
    texts = [
        [_reason(values.columns[i], values.iat[row, i], contributions[row, i]) for i in columns]
        for row, columns in enumerate(order)
    ]
    return pd.DataFrame(texts, values.index, [f"reason_{rank + 1}" for rank in range(order.shape[1])])


def _reason(column: Name, value: object, contribution: float) -> str:
    return f"{column} = {shown(value)} ({contribution:+.2f})" if contribution > 0 else ""
