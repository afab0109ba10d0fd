"""Scoring of many rows in chunks, so that memory stays flat."""

from __future__ import annotations

import numpy as np
import torch

from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.mome import MixtureOfExperts
from swift_hydra_kedro.models.runtime import narrow_threads

CHUNK = 8192


@torch.inference_mode()
def predict_probability(model: MambaDetector | MixtureOfExperts, x: np.ndarray) -> np.ndarray:
    """Probability of an anomaly for scaled rows, `(N, P)` -> `(N,)` float64, computed in the model's precision."""
    parameter = next(model.parameters())
    chunks = [torch.as_tensor(x[start : start + CHUNK]).to(parameter) for start in range(0, len(x), CHUNK)]
    with narrow_threads(x.shape[1]):
        scores = [model(chunk) for chunk in chunks]
    if isinstance(model, MambaDetector):
        scores = [torch.sigmoid(logit) for logit in scores]
    return torch.cat(scores).double().cpu().numpy() if scores else np.empty(0)


@torch.inference_mode()
def expert_load(model: MixtureOfExperts, x: np.ndarray) -> np.ndarray:
    """Share of the routed rows that each expert gets, `(N, P)` -> `(M,)`, summing to 1."""
    _, chosen = model.gate(model.describe(torch.as_tensor(x).to(next(model.parameters()))))
    load = model.load(chosen).cpu().numpy()
    return load / load.sum()
