"""The Mixture of Mamba Experts: noisy top-k gate (eq. 4) over stacked experts (eq. 5).

Glossary: `M` experts, `k` used per row, `lambda` the gate's weights. The mixture averages
probabilities: a mean of logits would let one wild expert decide.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from swift_hydra_kedro.models.calibration import Calibration
from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.extremes import largest_of_rows
from swift_hydra_kedro.models.neighbours import Neighbourhood


class NoisyTopKGate(nn.Module):
    """Linear gate `P -> M` with learned noise in training (eq. 4), softmax over the k largest scores.

    Shape: `(B, P)` -> weights and expert indices, `(B, k)` each.
    """

    def __init__(self, n_features: int, n_experts: int, top_k: int) -> None:
        super().__init__()
        self.top_k = top_k
        self.score = nn.Linear(n_features, n_experts, bias=False)
        self.noise = nn.Linear(n_features, n_experts, bias=False)
        nn.init.zeros_(self.noise.weight)

    def scores(self, x: Tensor, standard_normal: Tensor | None = None) -> Tensor:
        """Scores `h (B, M)`; `standard_normal (B, M)` switches the noise term on."""
        h = self.score(x)
        return h if standard_normal is None else h + standard_normal * F.softplus(self.noise(x))

    def forward(
        self, x: Tensor, standard_normal: Tensor | None = None, top_k: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Weights `lambda` and indices of the chosen experts; `top_k` stands in for the gate's own."""
        scores = self.scores(x, standard_normal)
        chosen = largest_of_rows(scores, top_k or self.top_k)
        by_rank = scores.gather(1, chosen).T.contiguous()  # few long rows take a fifth of the time of many short ones
        return torch.softmax(by_rank, dim=0).T, chosen


class MixtureOfExperts(nn.Module):
    """Gate and experts, which see rows joined by what their neighbours are if there is a `neighbourhood`.

    Shape: scaled rows `(B, P)` -> calibrated probabilities `(B,)`.
    """

    def __init__(
        self,
        experts: MambaDetector,
        gate: NoisyTopKGate,
        neighbourhood: Neighbourhood | None = None,
    ) -> None:
        super().__init__()
        self.experts, self.gate, self.neighbourhood = experts, gate, neighbourhood
        self.calibration = Calibration()  # changes nothing until it is replaced by a fitted one

    def describe(self, x: Tensor) -> Tensor:
        """Scaled rows as gate and experts see them, `(B, P)` -> `(B, P')`."""
        return x if self.neighbourhood is None else self.neighbourhood(x)

    def forward(self, x: Tensor) -> Tensor:
        """Probability of an anomaly; all experts compute all rows. To score by the chosen alone, `fold` the mixture."""
        weights, _, probability = self.votes(x)
        return self.calibration((weights * probability).sum(-1))

    def votes(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Weights, numbers and probabilities, not calibrated, of the experts chosen, `(B, P)` -> `(B, k)` each."""
        described = self.describe(x)
        weights, chosen = self.gate(described)
        return weights, chosen, self.all_probabilities(described).T.gather(1, chosen)

    def all_probabilities(self, x: Tensor) -> Tensor:
        """Probabilities of every expert for described rows, `(B, P')` -> `(M, B)`; not calibrated."""
        return torch.sigmoid(self.experts(x))
