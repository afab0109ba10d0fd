"""The networks among ADGym's design choices: a body that turns a row into features, and one linear score of these.

Widths of the hidden layers are a choice of the grid. Where the paper only names an architecture: a residual network has
a block per hidden layer, all of the first one's width (Gorishniy et al., NeurIPS 2021); a transformer has a layer per
hidden layer and tokens of 16 numbers (FT-Transformer, the same paper); an autoencoder gives the score its code, the
direction of the residual and its norm (Zhou et al., TNNLS 2021).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TOKEN, HEADS, WIDENING = 16, 2, 2
ACTIVATIONS: Mapping[str, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU, "leaky_relu": nn.LeakyReLU}
INITIALISERS: Mapping[str, Callable[[Tensor], Tensor] | None] = {
    "default": None,
    "xavier_uniform": nn.init.xavier_uniform_,
    "xavier_normal": nn.init.xavier_normal_,
    "kaiming_uniform": nn.init.kaiming_uniform_,
    "kaiming_normal": nn.init.kaiming_normal_,
}


class MLP(nn.Sequential):
    """Rows `(B, P)` -> features `(B, hidden[-1])`."""

    def __init__(self, n_features: int, hidden: tuple[int, ...], activation: type[nn.Module], dropout: float) -> None:
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise((n_features, *hidden)):
            layers += [nn.Linear(n_in, n_out), activation(), nn.Dropout(dropout)]
        super().__init__(*layers)
        self.width = hidden[-1]


class Autoencoder(nn.Module):
    """Rows `(B, P)` -> code, direction and norm of the residual, `(B, hidden[-1] + P + 1)`."""

    def __init__(self, n_features: int, hidden: tuple[int, ...], activation: type[nn.Module], dropout: float) -> None:
        super().__init__()
        self.encoder = MLP(n_features, hidden, activation, dropout)
        back = MLP(hidden[-1], hidden[-2::-1], activation, dropout) if hidden[1:] else nn.Identity()
        self.decoder = nn.Sequential(back, nn.Linear(hidden[0], n_features))
        self.width = hidden[-1] + n_features + 1

    def forward(self, x: Tensor) -> Tensor:
        """Encode, and compare with what is decoded."""
        code = self.encoder(x)
        residual = x - self.decoder(code)  # (B, P)
        return torch.cat([code, F.normalize(residual), residual.norm(dim=1, keepdim=True)], dim=1)


class ResNet(nn.Module):
    """Rows `(B, P)` -> features `(B, hidden[0])`, by blocks that each add to what they get."""

    def __init__(self, n_features: int, hidden: tuple[int, ...], activation: type[nn.Module], dropout: float) -> None:
        super().__init__()
        self.width = hidden[0]
        self.first = nn.Linear(n_features, self.width)
        self.blocks = nn.ModuleList(self._block(activation, dropout) for _ in hidden)
        self.last = nn.Sequential(nn.BatchNorm1d(self.width), activation())

    def _block(self, activation: type[nn.Module], dropout: float) -> nn.Sequential:
        inner = WIDENING * self.width
        return nn.Sequential(
            nn.BatchNorm1d(self.width),
            nn.Linear(self.width, inner),
            activation(),
            nn.Dropout(dropout),
            nn.Linear(inner, self.width),
            nn.Dropout(dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Add up what the blocks say."""
        x = self.first(x)
        for block in self.blocks:
            x = x + block(x)
        return self.last(x)


class FTTransformer(nn.Module):
    """Rows `(B, P)` -> features `(B, TOKEN)`: a token per feature, and one more that gathers what they say."""

    def __init__(self, n_features: int, hidden: tuple[int, ...], activation: type[nn.Module], dropout: float) -> None:
        super().__init__()
        self.width = TOKEN
        bound = TOKEN**-0.5
        self.weight = nn.Parameter(torch.empty(n_features, TOKEN).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(n_features + 1, TOKEN).uniform_(-bound, bound))
        self.layers = nn.Sequential(*(self._layer(activation, dropout) for _ in hidden))
        self.last = nn.Sequential(nn.LayerNorm(TOKEN), activation())

    @staticmethod
    def _layer(activation: type[nn.Module], dropout: float) -> nn.TransformerEncoderLayer:
        return nn.TransformerEncoderLayer(
            TOKEN, HEADS, WIDENING * TOKEN, dropout, activation(), batch_first=True, norm_first=True
        )

    def forward(self, x: Tensor) -> Tensor:
        """Let the tokens attend to each other; the first one is the row's."""
        tokens = F.pad(x.unsqueeze(2) * self.weight, (0, 0, 1, 0)) + self.bias  # (B, 1 + P, TOKEN)
        return self.last(self.layers(tokens)[:, 0])


ARCHITECTURES: Mapping[str, Callable[..., Any]] = {
    "mlp": MLP,
    "autoencoder": Autoencoder,
    "resnet": ResNet,
    "ft_transformer": FTTransformer,
}


class ScoreNetwork(nn.Module):
    """Rows `(B, P)` -> their scores and reconstruction errors, `(B,)` each, by one of the architectures.

    An error is a mean square, and nought where nothing is reconstructed.
    """

    def __init__(
        self,
        n_features: int,
        *,
        architecture: str,
        hidden: tuple[int, ...],
        activation: str,
        dropout: float,
        initialisation: str,
    ) -> None:
        super().__init__()
        self.body = ARCHITECTURES[architecture](n_features, hidden, ACTIVATIONS[activation], dropout)
        self.head = nn.Linear(int(self.body.width), 1)
        if initialise := INITIALISERS[initialisation]:
            for module in self.modules():
                if isinstance(module, nn.Linear):
                    initialise(module.weight)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Score rows."""
        features = self.body(x)
        score = self.head(features).squeeze(1)
        if isinstance(self.body, Autoencoder):
            return score, features[:, -1].square() / x.shape[1]
        return score, torch.zeros_like(score)
