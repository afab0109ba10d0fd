"""FT-Transformer (Gorishniy et al., NeurIPS 2021) by its authors' library.

Each feature is a token, attention runs over features and a class token. The paper's default has three blocks; with
two it takes a third of the time on a CPU. For wide tables the paper advises an approximation of attention: here keys
and values are compressed to 64, as in Linformer (Wang et al., 2020), which the library has.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from rtdl_revisiting_models import FTTransformer
from torch import Tensor, nn

from swift_hydra_kedro.baselines.detectors.supervised import SupervisedNetwork

LAYERS_PER_BLOCK = 8  # queries, keys, values, what is attended, and the feed-forward part
MAX_TOKENS = 128
COMPRESSED = 64


class NumericFTTransformer(FTTransformer):
    """FT-Transformer of numeric features alone. Shape: `(B, P)` -> `(B, 1)`."""

    def forward(self, x: Tensor) -> Tensor:
        """Logits of rows."""
        return super().forward(x, None)


class FTTransformerDetector(SupervisedNetwork):
    """FT-Transformer with its default sizes for that number of blocks.

    Parameters
    ----------
    n_blocks : blocks, 1 to 6; they set width and dropout, too
    max_steps, batch_size, learning_rate, weight_decay, device, random_state : see `SupervisedNetwork`
    """

    network_: NumericFTTransformer

    def __init__(
        self,
        *,
        n_blocks: int = 2,
        max_steps: int = 1000,
        batch_size: int = 128,
        learning_rate: float = 5e-4,
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
        self.n_blocks = n_blocks

    def _network(self, x: Tensor) -> nn.Module:
        sizes = FTTransformer.get_default_kwargs(self.n_blocks)
        n_tokens = x.shape[1] + 1
        if n_tokens > MAX_TOKENS:
            sizes |= {
                "linformer_kv_compression_ratio": COMPRESSED / n_tokens,
                "linformer_kv_compression_sharing": "headwise",
            }
        return NumericFTTransformer(n_cont_features=x.shape[1], cat_cardinalities=[], d_out=1, **sizes)

    def _parameters(self) -> Iterable[Any]:
        return self.network_.make_parameter_groups()  # embeddings, norms and biases do not decay

    def _numbers_per_row(self, n_features: int) -> int:
        return (n_features + 1) * FTTransformer.get_default_kwargs(self.n_blocks)["d_block"] * LAYERS_PER_BLOCK
