"""Scoring of many rows in chunks, side by side and with flat memory."""

from __future__ import annotations

import math
import threading
from functools import partial

import numpy as np
import torch

from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.folded import fold
from swift_hydra_kedro.models.mome import MixtureOfExperts
from swift_hydra_kedro.models.runtime import in_threads, narrow_threads

CHUNK = 2**22
MIN_ROWS = 2048


class Predictor:
    """A single detector or a mixture, put to work: scaled rows `(N, P)` -> probabilities `(N,)`, float64.

    Rows are computed in chunks of at most `CHUNK` numbers, but not less than `MIN_ROWS` rows: on a CPU as many at a
    time as torch has threads.
    """

    def __init__(self, model: MambaDetector | MixtureOfExperts) -> None:
        self.score = fold(model)
        self.device = next(model.parameters()).device

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Score rows."""
        return self.with_experts(x)[0]

    def with_experts(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Score rows `(N, P)`, and say which experts did, `(N, k)`, that of most weight first."""
        n_threads = torch.get_num_threads()
        rounds = max(1, math.ceil(x.size / (CHUNK * n_threads)))  # all threads are done at about the same time
        n_chunks = min(len(x) // MIN_ROWS, rounds * n_threads)
        if n_chunks < 2:
            with narrow_threads(1):
                return self._score(x, threading.Event())
        chunks = np.array_split(x, n_chunks)
        parts = in_threads([partial(self._score, chunk) for chunk in chunks], self.device)
        probability, chosen = map(np.concatenate, zip(*parts, strict=True))
        return probability, chosen

    @torch.inference_mode()
    def _score(self, x: np.ndarray, stop: threading.Event) -> tuple[np.ndarray, np.ndarray]:
        rows = torch.as_tensor(x[: 0 if stop.is_set() else None], dtype=torch.float32).to(self.device)
        probability, chosen = self.score(rows)
        return probability.cpu().numpy(), chosen.cpu().numpy()


@torch.inference_mode()
def expert_load(model: MixtureOfExperts, x: np.ndarray, of_training: bool = False) -> np.ndarray:
    """Share of the routed rows that each expert gets, `(N, P)` -> `(M,)`, summing to 1.

    Rows `of_training`, all of them in their order, are no neighbours of themselves, as in training.
    """
    rows = torch.as_tensor(x).to(next(model.parameters()))
    if of_training and model.neighbourhood is not None:
        described = model.neighbourhood.describe_training_rows(rows, rows[:0])
    else:
        described = model.describe(rows)
    chosen = model.gate(described)[1].cpu().numpy()
    return np.bincount(chosen.ravel(), minlength=model.experts.stack[0]) / chosen.size
