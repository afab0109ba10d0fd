"""TabM (Gorishniy et al., ICLR 2025) by its authors' library: k networks that share most of their weights.

As they advise: piecewise-linear embeddings of features, version B; each member has its loss, and their probabilities
are averaged. Their default width is 512; with 128 a step takes a fifth of the time on a CPU.
"""

from __future__ import annotations

import warnings

import numpy as np
import torch
from rtdl_num_embeddings import PiecewiseLinearEmbeddings
from tabm import TabM
from torch import Tensor, nn

from swift_hydra_kedro.baselines.detectors.supervised import SupervisedNetwork

BINS = 48
D_EMBEDDING = 16
MAX_INPUTS = 4096  # of the first layer


class TabMDetector(SupervisedNetwork):
    """TabM on embedded features; in wide tables, the embeddings are smaller, down to 2 numbers per feature.

    Parameters
    ----------
    k : members
    d_block : width of a hidden layer
    max_steps, batch_size, learning_rate, weight_decay, device, random_state : see `SupervisedNetwork`
    """

    def __init__(
        self,
        *,
        k: int = 32,
        d_block: int = 128,
        max_steps: int = 1000,
        batch_size: int = 128,
        learning_rate: float = 2e-3,
        weight_decay: float = 3e-4,
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(
            max_steps=max_steps,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            device=device,
            random_state=random_state,
        )
        self.k = k
        self.d_block = d_block

    def _network(self, x: Tensor) -> nn.Module:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The .*-th feature has just two bin edges")  # flags have no more
            embeddings = PiecewiseLinearEmbeddings(
                bin_edges(x.cpu()), self._d_embedding(x.shape[1]), activation=False, version="B"
            )
        return TabM.make(n_num_features=x.shape[1], d_out=1, num_embeddings=embeddings, k=self.k, d_block=self.d_block)

    def _d_embedding(self, n_features: int) -> int:
        return min(D_EMBEDDING, max(2, MAX_INPUTS // n_features))

    def _numbers_per_row(self, n_features: int) -> int:
        return self.k * max(n_features * self._d_embedding(n_features), self.d_block)


def bin_edges(x: Tensor) -> list[Tensor]:
    """Distinct quantiles of each feature of `(N, P)`, at least two: a constant one gets a bin that starts there."""
    levels = torch.linspace(0, 1, BINS + 1)
    edges = [column.quantile(levels).unique() for column in x.T]
    return [edge if len(edge) > 1 else torch.cat([edge, edge + edge.abs().clamp(min=1)]) for edge in edges]
