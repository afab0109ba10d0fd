"""The plain Transformer (Vaswani et al., NeurIPS 2017) that Swift Hydra's paper compares its backbones with (table 5).

The paper says no more than "vanilla" and that its time grows with the length of the sequence, which a row only has if
features are its tokens. So each feature is one: an embedding of its own times its value, and a bias of its own, which
stands for the position. Sizes are ours, as is the mean over the tokens that the output reads.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from swift_hydra_kedro.baselines.detectors.supervised import SupervisedNetwork
from swift_hydra_kedro.models.detector import FeatureTokens

LAYERS_PER_BLOCK = 8  # queries, keys, values, what is attended, and the feed-forward part
HEADS = 4
MAX_TOKENS = 128


class TransformerClassifier(nn.Module):
    """Features as tokens, an encoder, and a linear output of the tokens' mean. Shape: `(B, P)` -> `(B, 1)`.

    The layers normalise after each of their parts, as Vaswani et al. do. Of more than 128 features, neighbouring ones
    share a token, which is the sum of their embeddings.
    """

    def __init__(self, n_features: int, d_model: int, depth: int, dropout: float) -> None:
        super().__init__()
        features = torch.arange(n_features)
        token = features // -(-n_features // MAX_TOKENS)
        self.tokens = FeatureTokens(token, int(token[-1]) + 1, d_model, ())
        block = nn.TransformerEncoderLayer(d_model, HEADS, 2 * d_model, dropout, batch_first=True)
        self.encoder = nn.TransformerEncoder(block, depth, enable_nested_tensor=False)
        self.output = nn.Linear(d_model, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of rows."""
        tokens = self.tokens(x)  # (B, L, d_model)
        return self.output(self.encoder(tokens).mean(1))


class TransformerDetector(SupervisedNetwork):
    """A plain Transformer over features.

    Parameters
    ----------
    d_model : width of a token, a multiple of 4
    depth : encoder layers
    dropout : dropped share, in attention and in the feed-forward part
    max_steps, batch_size, learning_rate, weight_decay, device, random_state : see `SupervisedNetwork`
    """

    def __init__(
        self,
        *,
        d_model: int = 64,
        depth: int = 2,
        dropout: float = 0.1,
        max_steps: int = 1000,
        batch_size: int = 128,
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-5,
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
        self.d_model = d_model
        self.depth = depth
        self.dropout = dropout

    def _network(self, x: Tensor) -> nn.Module:
        if self.d_model % HEADS:
            raise ValueError(f"d_model must be a multiple of the {HEADS} heads; it is {self.d_model}")
        return TransformerClassifier(x.shape[1], self.d_model, self.depth, self.dropout)

    def _numbers_per_row(self, n_features: int) -> int:
        return max(n_features * self.d_model, min(n_features, MAX_TOKENS) * self.d_model * LAYERS_PER_BLOCK)
