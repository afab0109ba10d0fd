"""What a trained model hands on to the next training, so that this goes on from it when rows were added.

A network's bootstrap sample decides what it may be asked about: rows that it has not drawn. So that this stays true,
rows are recognised, and each network goes on with the sample that it has, and a share of the new rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from swift_hydra_kedro.config import DetectionConfig
from swift_hydra_kedro.detection.clustering import Clusters
from swift_hydra_kedro.detection.rows import TrainingRows
from swift_hydra_kedro.models.batches import draw
from swift_hydra_kedro.models.committee import Committee
from swift_hydra_kedro.models.encoding import PIECEWISE
from swift_hydra_kedro.models.mome import MixtureOfExperts

DRAWN = 1 - math.exp(-1)  # chance of a row to be in a bootstrap sample
UNKNOWN = -1


@dataclass(frozen=True)
class RowKeys:
    """What tells rows apart: a hash of the features and, of equal rows, which one it is. `code` and `copy (N,)`."""

    code: np.ndarray
    copy: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray) -> RowKeys:
        """Keys of scaled rows `(N, P)`."""
        code = pd.util.hash_pandas_object(pd.DataFrame(x + 0.0), index=False)  # no -0
        return cls(code.to_numpy(), code.groupby(code).cumcount().to_numpy())

    def hold(self, others: RowKeys) -> np.ndarray:
        """Which of the others are among these, a mask."""
        return others.places_in(self) != UNKNOWN

    def places_in(self, others: RowKeys) -> np.ndarray:
        """Where these rows are among others, `(N,)`; `UNKNOWN` where they are not."""
        index = pd.MultiIndex.from_arrays([others.code, others.copy])
        return index.get_indexer(pd.MultiIndex.from_arrays([self.code, self.copy]))


@dataclass(frozen=True)
class Earlier:
    """A trained model and how it came about.

    Attributes
    ----------
    committee : C networks, whose mean the mixture learnt
    mixture : as it was put to work
    clusters, cluster_of_member : regions of the data, and the one that each network leans towards, `(C,)`
    keys : of the N real rows that they learnt from
    drawn : which of these each network had drawn, `(C, N)`
    """

    committee: Committee
    mixture: MixtureOfExperts
    clusters: Clusters
    cluster_of_member: np.ndarray
    keys: RowKeys
    drawn: np.ndarray

    def check(self, config: DetectionConfig) -> None:
        """Raise a `ValueError` that says what differs if the configuration is of other networks."""
        own, known, apart = config.experts.mamba, self.committee.members, {"backend", "additive"}
        is_now = own.model_dump(mode="json", exclude=apart) | {
            "additive path": own.additive is not None,
            "n_experts": config.experts.n_experts,
            "top_k": config.gate.top_k,
            "neighbours": bool(self.n_described) and config.experts.neighbours is not None,
        }
        was = known.config.model_dump(mode="json", exclude=apart) | {
            "additive path": known.config.additive is not None,
            "n_experts": self.mixture.experts.stack[0],
            "top_k": self.mixture.gate.top_k,
            "neighbours": bool(self.n_described),
        }
        if len(known.encoding.binned):
            is_now["mixed_views"], was["mixed_views"] = config.experts.mixed_views, not known.sees(PIECEWISE).all()
        if differing := [f"{name} is {is_now[name]}, it was {was[name]}" for name in was if was[name] != is_now[name]]:
            raise ValueError(
                f"warm_start: the model's networks are not those of the parameters under detection: "
                f"{'; '.join(differing)}. Set them as they were, or train anew, without warm_start"
            )

    @property
    def n_described(self) -> int:
        """Features of the committee's rows that are about neighbours."""
        return self.committee.members.encoding.n_features - self.clusters.centres.shape[1]

    def drawn_now(self, rows: TrainingRows, generator: torch.Generator) -> Tensor:
        """Which real rows each network is to learn from, `(C, N)`: known ones that it had drawn, and some new ones.

        No network is left without a row of a class, as labels may have changed.
        """
        real = (~rows.synthetic).nonzero().flatten()
        n_features = self.clusters.centres.shape[1]
        place = RowKeys.of(rows.x[real, :n_features].cpu().numpy()).places_in(self.keys)
        device = rows.x.device
        drawn = torch.rand(len(self.drawn), len(real), generator=generator, device=device) < DRAWN
        known = torch.as_tensor(place != UNKNOWN, device=device)
        drawn[:, known] = torch.as_tensor(self.drawn[:, place[place != UNKNOWN]], device=device)
        for kind in rows.kinds[:2]:
            members = kind.nonzero().flatten()
            for without in (~drawn[:, members].any(dim=1)).nonzero().flatten():
                drawn[without, draw(members, (len(members),), generator)] = True
        return drawn
