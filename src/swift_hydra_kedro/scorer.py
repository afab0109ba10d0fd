"""A fitted model as it is put to work: preprocessing and mixture, from a table to probabilities."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from swift_hydra_kedro._version import __version__
from swift_hydra_kedro.data.checkpoint import Checkpoint
from swift_hydra_kedro.data.preprocessing import TablePreprocessor
from swift_hydra_kedro.data.profile import TableProfile
from swift_hydra_kedro.data.reference import Reference
from swift_hydra_kedro.models.checkpoints import load_mixture, mixture_settings, tensors_below, tensors_of
from swift_hydra_kedro.models.inference import Predictor
from swift_hydra_kedro.models.mome import MixtureOfExperts

logger = logging.getLogger(__name__)
FORMAT = 1  # of a saved model; from the first release on another one when older versions cannot read it any more
REFERENCE = "reference."


@dataclass(frozen=True)
class Scorer:
    """Everything that it takes to score new rows, to explain scores, and to compare rows with those of training."""

    preprocessor: TablePreprocessor
    mixture: MixtureOfExperts
    threshold: float
    profile: TableProfile
    reference: Reference

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
        reference = self.reference.to_checkpoint()
        state = {
            "format": FORMAT,
            "version": __version__,
            "preprocessor": self.preprocessor.state(),
            "mixture": mixture_settings(self.mixture),
            "threshold": self.threshold,
            "profile": self.profile.model_dump(mode="json"),
            "reference": reference.state,
        }
        of_reference = {f"{REFERENCE}{name}": array for name, array in reference.tensors.items()}
        return Checkpoint(tensors_of(self.mixture) | of_reference, state)

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint) -> Scorer:
        """Rebuild a model from what `to_checkpoint` gave; its scores are the same to the bit.

        Raises
        ------
        ValueError
            If another version of this package saved it in a way that this one cannot read.
        """
        state, tensors = checkpoint.state, checkpoint.tensors
        _check_version(state)
        return cls(
            TablePreprocessor.from_state(state["preprocessor"]),
            load_mixture(mixture_tensors(checkpoint), state["mixture"]),
            state["threshold"],
            TableProfile.model_validate(state["profile"]),
            Reference.from_checkpoint(Checkpoint(tensors_below(REFERENCE, tensors), state["reference"])),
        )

    def __reduce__(self) -> tuple[Callable[[Checkpoint], Scorer], tuple[Checkpoint]]:
        """Go to other processes as arrays and JSON; what is built of them is built there."""
        return Scorer.from_checkpoint, (self.to_checkpoint(),)


def mixture_tensors(model: Checkpoint) -> dict[str, np.ndarray]:
    """Those of a model's tensors that are the mixture's."""
    return {name: array for name, array in model.tensors.items() if not name.startswith(REFERENCE)}


def _check_version(state: Mapping[str, Any]) -> None:
    version = state.get("version", "another version")
    if state.get("format") != FORMAT:
        raise ValueError(
            f"the model was saved by swift_hydra_kedro {version} in format {state.get('format')}, and {__version__} "
            f"reads format {FORMAT}: install that version, or train the model again"
        )
    if version != __version__:
        logger.warning("the model was saved by swift_hydra_kedro %s and is read by %s", version, __version__)
