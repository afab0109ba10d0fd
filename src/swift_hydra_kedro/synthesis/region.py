"""Where the normal rows are, and how a walk leaves them.

With a few anomalies nobody can say what the next one will look like, but it is likelier to lie where no normal row does
than a normal row is. So a part of the walks start at normal rows and go on until they have left them behind: as large a
part as that of the real anomalies which lie outside, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from swift_hydra_kedro.config import OutskirtsConfig
from swift_hydra_kedro.models.fitting import LabelledRows

TRACING_STEPS = 50
ROWS_AT_ONCE = 4096
MAX_SHARE = 0.5
MIN_LENGTH = 1e-9


@dataclass(frozen=True)
class NormalRegion:
    """All that lies no farther than `limit` from the nearest of the normal rows `references (R, P)`.

    The limit is a quantile of the distances between references and those nearest to them. The features that are
    `free (P,)`, a mask, have more than two values.
    """

    references: Tensor
    free: Tensor
    limit: float
    config: OutskirtsConfig

    @classmethod
    def fit(cls, normals: Tensor, config: OutskirtsConfig, generator: torch.Generator) -> NormalRegion | None:
        """Fit to `max_references` of the normal rows `(n, P)`.

        None if fewer than `min_rows` of them differ, or all features have two values: there is no way out.
        """
        order = torch.randperm(len(normals), generator=generator, device=normals.device)
        references = normals[order[: config.max_references]].unique(dim=0)
        if len(references) < config.min_rows:  # as many are alike
            different = normals.unique(dim=0)
            references = different[torch.randperm(len(different), generator=generator, device=normals.device)]
            references = references[: config.max_references]
        if len(references) < config.min_rows:
            return None
        free = ((references > references.amin(0)) & (references < references.amax(0))).any(0)
        if not free.any():
            return None
        between = torch.cdist(references, references, compute_mode="donot_use_mm_for_euclid_dist")  # (R, R)
        nearest = between.fill_diagonal_(torch.inf).amin(1)
        return cls(references, free, float(nearest.quantile(config.quantile)), config)

    def contains(self, x: Tensor) -> Tensor:
        """Mask `(h,)` of the rows `x (h, P)` inside."""
        return self._distance(x) <= self.limit

    def share_outside(self, anomalies: Tensor) -> float:
        """Share of anomalies outside that is to be expected after these `(a, P)`, by Laplace's rule of succession."""
        return (1 + int((~self.contains(anomalies)).sum())) / (2 + len(anomalies))

    def leave(self, x: Tensor, direction: Tensor, generator: torch.Generator) -> Tensor:
        """Go from rows inside, `x (h, P)`, along `direction (h, P)` until they are outside, `reach` limits at most.

        The direction is `scatter`ed, for the C-VAE knows few ways but those in which rows differ. No row gets farther
        from the references than it moves, so that each step may be as long as what is missing (sphere tracing:
        Hart, 1996). Rows without a direction stay, and so do features of two values, which cannot leave them.
        """
        scatter = self.config.scatter
        noise = torch.randn(x.shape, generator=generator, device=x.device) * self.references.std(0)
        direction = _unit(self.free * ((1 - scatter) * _unit(direction) + scatter * _unit(noise)))
        ahead = torch.rand(len(x), generator=generator, device=x.device)
        target = self.limit * (1 + (self.config.reach - 1) * ahead)  # (h,)
        for _ in range(TRACING_STEPS):
            missing = (target - self._distance(x)).clamp(min=0)
            x = x + missing.unsqueeze(1) * direction
        return x

    def _distance(self, x: Tensor) -> Tensor:
        centre, centred = self._centred
        return torch.cat([torch.cdist(rows - centre, centred).amin(1) for rows in x.split(ROWS_AT_ONCE)])

    @cached_property
    def _centred(self) -> tuple[Tensor, Tensor]:
        """The references' mean and the references less it: cdist's matrix product cancels far from the origin."""
        centre = self.references.mean(0)
        return centre, self.references - centre


def _unit(direction: Tensor) -> Tensor:
    return direction / direction.norm(dim=1, keepdim=True).clamp(min=MIN_LENGTH)


@dataclass(frozen=True)
class Outskirts:
    """The region that some of the walks are to leave, and which share of them."""

    region: NormalRegion
    share: float

    @classmethod
    def of(cls, rows: LabelledRows, config: OutskirtsConfig | None, generator: torch.Generator) -> Outskirts | None:
        """The share of anomalies to be expected outside the region, half at most; None if there is no region."""
        region = None if config is None else NormalRegion.fit(rows.normals, config, generator)
        return None if region is None else cls(region, min(MAX_SHARE, region.share_outside(rows.anomalies)))

    def part_of(self, n: int) -> int:
        """How many of `n` samples are to come from there."""
        return round(self.share * n)
