"""A fitted model as it is put to work: preprocessing and mixture, from a table to probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from swift_hydra_kedro.data.checkpoint import Checkpoint
from swift_hydra_kedro.data.preprocessing import TablePreprocessor
from swift_hydra_kedro.data.reference import Reference
from swift_hydra_kedro.models.checkpoints import load_mixture, mixture_settings, tensors_below, tensors_of
from swift_hydra_kedro.models.inference import Predictor
from swift_hydra_kedro.models.mome import MixtureOfExperts

REFERENCE = "reference."


@dataclass(frozen=True)
class Scorer:
    """Everything that scoring a new row needs, and, if there is a `reference`, explaining its score."""

    preprocessor: TablePreprocessor
    mixture: MixtureOfExperts
    threshold: float
    reference: Reference | None = None

    def score(self, features: pd.DataFrame) -> np.ndarray:
        """Probability of an anomaly for each row, `(N,)` float64.

        Raises
        ------
        ValueError
            If a column that the model was trained on is missing or has another type.
        """
        return self.predictor(self.preprocessor.transform(features))

    def score_with_experts(self, features: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Score as above, and say which experts each probability is of, `(N, k)`, that of most weight first."""
        return self.predictor.with_experts(self.preprocessor.transform(features))

    @cached_property
    def predictor(self) -> Predictor:
        """What scores scaled rows."""
        return Predictor(self.mixture)

    def decide(self, features: pd.DataFrame) -> pd.DataFrame:
        """Columns `score` and `is_anomaly` (score at least the threshold), with the index of `features`."""
        score = self.score(features)
        return pd.DataFrame({"score": score, "is_anomaly": score >= self.threshold}, index=features.index)

    def to_checkpoint(self) -> Checkpoint:
        """The model as arrays and JSON."""
        state = {
            "preprocessor": self.preprocessor.state(),
            "mixture": mixture_settings(self.mixture),
            "threshold": self.threshold,
        }
        tensors = tensors_of(self.mixture)
        if self.reference is not None:
            reference = self.reference.to_checkpoint()
            tensors |= {f"{REFERENCE}{name}": array for name, array in reference.tensors.items()}
            state["reference"] = reference.state
        return Checkpoint(tensors, state)

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint) -> Scorer:
        """Rebuild a model from what `to_checkpoint` gave; its scores are the same to the bit."""
        state, tensors = checkpoint.state, checkpoint.tensors
        own = {name: array for name, array in tensors.items() if not name.startswith(REFERENCE)}
        mixture = load_mixture(own, state["mixture"])
        reference = None
        if "reference" in state:  # models of earlier versions have none
            reference = Reference.from_checkpoint(Checkpoint(tensors_below(REFERENCE, tensors), state["reference"]))
        return cls(TablePreprocessor.from_state(state["preprocessor"]), mixture, state["threshold"], reference)
