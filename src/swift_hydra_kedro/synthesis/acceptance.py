"""Which samples may join the training rows.

The reward sends the policy to where the detector is wrong, and it cannot know whether the detector is: a sample
in the midst of the normal rows evades it best of all. So a judge, trained on real rows alone, has to call a sample
that comes from an anomaly one, too. What is learnt from is then hard, but still on the anomalies' side. Samples that
come from normal rows have to leave their region instead: see `region.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from swift_hydra_kedro.models.committee import Committee


@dataclass(frozen=True)
class Acceptance:
    """A committee of detectors and the probability that it has to give."""

    judge: Committee
    min_probability: float

    @torch.no_grad()
    def probability(self, x: Tensor) -> Tensor:
        """Probability that the committee gives, `(h, P)` -> `(h,)`."""
        return self.judge(x)

    def __call__(self, x: Tensor) -> Tensor:
        """Mask `(h,)` of the rows `x (h, P)` that may join."""
        return self.probability(x) >= self.min_probability
