"""What the training rows around a row say of it: how near the nearest normal rows and anomalies are.

A network small enough to be fast cannot memorise thousands of small groups of rows; a look-up can. The search
is approximate, so that its cost grows far slower than the number of training rows: some of them are the centres
of cells, and a row is compared only with those that are nearest to the centre of its cell.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from swift_hydra_kedro.models.layers import filled_up, members_of_groups
from swift_hydra_kedro.models.ranks import Ranks

GROUPS = 5
OVERLAP = 8
FLOOR = 1e-2
CLIP = 5.0
NOBODY = -1
BLOCK = 1024
N_DESCRIBED = 8


class NearestReferences(nn.Module):
    """How near the nearest of some reference rows are.

    Buffers: `references (R, P)`; `rows (R,)`, which training rows they are; `centres (C, P)`, some of them;
    `candidates (C, K)`, the numbers of the K references nearest to each centre, in random order.

    Shape: `(B, P)` -> `(B, 2)`: log of the root mean square difference (over features) from the nearest reference,
    and the mean of that over `GROUPS` parts of the candidates, a smoother measure for the price of the first.
    """

    references: Tensor
    rows: Tensor
    centres: Tensor
    candidates: Tensor

    def __init__(self, references: Tensor, rows: Tensor, centres: Tensor, candidates: Tensor) -> None:
        super().__init__()
        self.register_buffer("references", references)
        self.register_buffer("rows", rows)
        self.register_buffer("centres", centres)
        self.register_buffer("candidates", candidates)

    @classmethod
    def fit(cls, x: Tensor, rows: Tensor, n_candidates: int, generator: torch.Generator) -> NearestReferences:
        """Choose enough centres for their candidates to overlap `OVERLAP` times, one if all are candidates.

        Parameters
        ----------
        x : (N, P) scaled training rows
        rows : (R,) numbers of those that are references, at least `GROUPS` + 1
        n_candidates : K, if there are as many references
        """
        n_candidates = min(n_candidates, len(rows))
        n_cells = 1 if len(rows) == n_candidates else math.ceil(OVERLAP * len(rows) / n_candidates)
        references = x[rows]
        centres = references[torch.randperm(len(rows), generator=generator, device=x.device)[:n_cells]]
        nearest = [
            squared_distances_less_norm(part, references).topk(n_candidates, largest=False).indices
            for part in centres.split(64)
        ]
        shuffle = torch.randperm(n_candidates, generator=generator, device=x.device)
        return cls(references, rows, centres, torch.cat(nearest)[:, shuffle])

    def forward(self, x: Tensor, own: Tensor | None = None) -> Tensor:
        """Compare rows with the candidates of their cells; reference `own (B,)` of a row does not count for it."""
        near = x.new_empty(len(x), 2)
        for number, rows in members_of_groups(self._cell(x), len(self.centres), BLOCK):
            own_of_rows = None if own is None else filled_up(own[rows])
            near[rows] = self._near(filled_up(x[rows]), self.candidates[number], own_of_rows)[: len(rows)]
        return near

    def of_training_rows(self, n_rows: int) -> Tensor:
        """Reference that each of the training rows is, `(N,)`, or `NOBODY`."""
        own = torch.full((n_rows,), NOBODY, device=self.rows.device)
        own[self.rows] = torch.arange(len(self.rows), device=self.rows.device)
        return own

    def nearest(self, x: Tensor) -> Tensor:
        """Number of the reference nearest to each row, `(B, P)` -> `(B,)`; an exact search."""
        return squared_distances_less_norm(x, self.references).argmin(1)

    def _cell(self, x: Tensor) -> Tensor:
        """Number of the centre nearest to each row, `(B, P)` -> `(B,)`."""
        if len(self.centres) == 1:
            return torch.zeros(len(x), dtype=torch.int64, device=x.device)
        parts = (squared_distances_less_norm(filled_up(part), self.centres)[: len(part)] for part in x.split(BLOCK))
        return torch.cat([part.argmin(1) for part in parts])

    def _near(self, x: Tensor, candidates: Tensor, own: Tensor | None) -> Tensor:
        less = squared_distances_less_norm(x, self.references[candidates])  # (b, K)
        if own is not None:
            less = less.masked_fill(candidates == own.unsqueeze(1), torch.inf)
        nearest = torch.stack([part.amin(1) for part in less.tensor_split(GROUPS, dim=1)], dim=1)  # (b, GROUPS)
        nearest = (nearest + x.square().sum(1, keepdim=True)).clamp(min=0)
        log_distance = 0.5 * torch.log(nearest / x.shape[1] + FLOOR**2)  # of a group without references: inf
        return torch.stack([log_distance.amin(1), log_distance.mean(1)], dim=1)


class Surroundings(nn.Module):
    """How near normal rows and anomalies are in one space: that of the scaled features, or of their `ranks`.

    Shape: scaled rows `(B, P)` -> `(B, 4)`: the log distance from normal rows and that from anomalies, both as means
    over groups, their difference, and the difference for the nearest of all.
    """

    def __init__(self, normal: NearestReferences, anomalous: NearestReferences, ranks: Ranks | None) -> None:
        super().__init__()
        self.normal, self.anomalous, self.ranks = normal, anomalous, ranks

    @classmethod
    def fit(
        cls,
        x: Tensor,
        members: tuple[Tensor, Tensor],
        ranks: Ranks | None,
        n_candidates: int,
        generator: torch.Generator,
    ) -> Surroundings:
        """Refer to the normal rows and anomalies `members`, two times `(R,)`, among the training rows `x (N, P)`."""
        located = x if ranks is None else ranks(x)
        normal, anomalous = (NearestReferences.fit(located, rows, n_candidates, generator) for rows in members)
        return cls(normal, anomalous, ranks)

    def forward(self, x: Tensor, own_normal: Tensor | None = None, own_anomalous: Tensor | None = None) -> Tensor:
        """Describe rows; the references `own_normal (B,)` and `own_anomalous (B,)` of a row do not count for it."""
        located = x if self.ranks is None else self.ranks(x)
        nearest_normal, normal = self.normal(located, own_normal).unbind(1)
        nearest_anomalous, anomalous = self.anomalous(located, own_anomalous).unbind(1)
        return torch.stack([normal, anomalous, normal - anomalous, nearest_normal - nearest_anomalous], dim=1)


class Neighbourhood(nn.Module):
    """Rows joined by what the training rows near them are, in two spaces: who is near depends on the scale.

    Buffers: `mean` and `scale (8,)` of the new columns over the training rows, each described without itself.

    Shape: scaled rows `(B, P)` -> `(B, P + 8)`. The new columns are those of the `Surroundings` by scaled features and
    by their ranks, standardised and clipped.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, scaled: Surroundings, ranked: Surroundings, mean: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.scaled, self.ranked = scaled, ranked
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)

    @classmethod
    def fit(
        cls, x: Tensor, y: Tensor, n_candidates: int, max_references: int, generator: torch.Generator
    ) -> Neighbourhood:
        """Refer to at most `max_references` rows of each class among the training rows `x (N, P)`, `y (N,)`."""
        both = [(y == label).nonzero().flatten() for label in (0, 1)]
        shuffled = [rows[torch.randperm(len(rows), generator=generator, device=x.device)] for rows in both]
        members = (shuffled[0][:max_references], shuffled[1][:max_references])
        ranks = Ranks.fit(x.cpu().numpy()).to(x)
        scaled, ranked = (Surroundings.fit(x, members, space, n_candidates, generator) for space in (None, ranks))
        hood = cls(scaled, ranked, x.new_zeros(N_DESCRIBED), x.new_ones(N_DESCRIBED))
        columns = hood._columns(x, *hood._own(len(x)))
        hood.mean, hood.scale = columns.mean(0), columns.std(0).clamp(min=FLOOR)
        return hood

    def forward(self, x: Tensor) -> Tensor:
        """Describe new rows."""
        return self._join(x, None, None)

    def describe_training_rows(self, x: Tensor, synthetic: Tensor) -> Tensor:
        """Describe the real rows `x (N, P)` it was fitted to and synthetic anomalies `(g, P)` as if they were new.

        A real row is not its own neighbour, and neither is the anomaly that a synthetic one is nearest to by scaled
        features: that is most likely the one it was made from. Both are left out by scaled features and by ranks.
        """
        normal, anomalous = self._own(len(x))
        nobody = torch.full((len(synthetic),), NOBODY, device=x.device)
        parent = self.scaled.anomalous.nearest(synthetic)
        return self._join(torch.cat([x, synthetic]), torch.cat([normal, nobody]), torch.cat([anomalous, parent]))

    def _own(self, n_rows: int) -> tuple[Tensor, Tensor]:
        """The normal reference and the anomalous one that each of the training rows is, in both spaces the same."""
        return self.scaled.normal.of_training_rows(n_rows), self.scaled.anomalous.of_training_rows(n_rows)

    def _join(self, x: Tensor, own_normal: Tensor | None, own_anomalous: Tensor | None) -> Tensor:
        columns = (self._columns(x, own_normal, own_anomalous) - self.mean) / self.scale
        return torch.cat([x, columns.clamp(-CLIP, CLIP)], dim=1)

    def _columns(self, x: Tensor, own_normal: Tensor | None, own_anomalous: Tensor | None) -> Tensor:
        return torch.cat([space(x, own_normal, own_anomalous) for space in (self.scaled, self.ranked)], dim=1)


def squared_distances_less_norm(a: Tensor, b: Tensor) -> Tensor:
    """`|a_i - b_j|^2 - |a_i|^2` of rows, `(n, P)` and `(m, P)` -> `(n, m)`: one product says which `b` is nearest."""
    return torch.addmm(b.square().sum(1), a, b.T, alpha=-2)
