"""Why a row has the score it has."""

from swift_hydra_kedro.explanation.explainer import Explainer, Explanations

__all__ = ["Explainer", "Explanations"]
