"""What the training rows around a row say of it: how near the nearest normal rows and anomalies are.

A network small enough to be fast cannot memorise thousands of small groups of rows; a look-up can. The search is
approximate, so that its cost grows far slower than the number of training rows: some of them are the centres of
cells, and a row is compared only with those that are nearest to the centre of its cell. It is done in two spaces,
since who is near depends on the scale; in one, where ranks are another name for the features.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from swift_hydra_kedro.models.extremes import argmin_of_rows
from swift_hydra_kedro.models.layers import MULTIPLE, blocks_of_groups, filled_up
from swift_hydra_kedro.models.ranks import Ranks
from swift_hydra_kedro.models.runtime import at_once

GROUPS = 5
OVERLAP = 8
FLOOR = 1e-2
FARTHEST = 10.0  # log distance
CLIP = 5.0
NOBODY = -1
SAME_GAP = 1e-3
MEMORY = 2**20
N_DESCRIBED = {1: 1, 2: 4}  # columns of a space, by the number of classes that rows are compared with


class References(nn.Module):
    """Reference rows in one space, of normal rows and perhaps of anomalies, and how near the nearest of them are.

    Buffers: `rows (R, P + 1)`, the references as `lifted` has them, normal ones first; `centres (C, P + 1)`, some of
    them; `candidates (C, L, GROUPS, K / GROUPS)`, by class, the numbers of the K references nearest to each centre, in
    random order.

    Shape: located rows `(B, P)` -> `(L, GROUPS, B)`: by class, the log distance from the nearest candidate of each
    group. A distance is the root mean square difference over features.
    """

    rows: Tensor
    centres: Tensor
    candidates: Tensor

    def __init__(self, rows: Tensor, centres: Tensor, candidates: Tensor) -> None:
        super().__init__()
        self.register_buffer("rows", rows)
        self.register_buffer("centres", centres)
        self.register_buffer("candidates", candidates)

    @classmethod
    def fit(cls, classes: Sequence[Tensor], n_candidates: int, generator: torch.Generator) -> References:
        """Refer to located rows of L classes, `(R, P)` each, in random order.

        A class with more than `n_candidates` has as many centres as it takes for their candidates to overlap
        `OVERLAP` times; if none has, there is one cell, and all are candidates.
        """
        counts = [math.ceil(OVERLAP * len(own) / n_candidates) for own in classes]
        searched = [own[:n] for own, n in zip(classes, counts, strict=True) if len(own) > n_candidates]
        centres = torch.cat(searched) if searched else classes[0][:1]
        width = math.ceil(min(n_candidates, max(map(len, classes))) / GROUPS)
        nearest = [_nearest(centres, own, n_candidates) for own in classes]
        grouped = [numbers[:, _groups(numbers.shape[1], width, generator)] for numbers in nearest]
        rows = torch.cat([*classes])
        numbers = torch.arange(len(rows), device=rows.device).split([*map(len, classes)])
        candidates = torch.stack([own[places] for own, places in zip(numbers, grouped, strict=True)], dim=1)
        return cls(lifted(rows), lifted(centres), candidates)

    def forward(self, x: Tensor, own: Tensor | None = None) -> Tensor:
        """Compare rows with the candidates of their cells; the reference `own (B,)` of a row does not count for it."""
        squared = self._less_norm(with_one(x), own).add_(x.square().sum(1))
        logarithm = squared.clamp_(min=0).div_(x.shape[1]).add_(FLOOR**2).log_().mul_(0.5)
        return logarithm.clamp_(max=FARTHEST)  # of a group of nobody but the row itself

    def nearest_anomaly(self, x: Tensor) -> Tensor:
        """Number of the anomalous reference nearest to each row, `(B, P)` -> `(B,)`; an exact search."""
        first = int(self.candidates[:, 1].min())  # the first anomaly is a candidate, as they all are, or a centre
        return first + argmin_of_rows(with_one(x) @ self.rows[first:].T)

    def _less_norm(self, queries: Tensor, own: Tensor | None) -> Tensor:
        """Squared distances less the norm of the row, `(B, P + 1)` -> `(L, GROUPS, B)`."""
        blocks, cell = blocks_of_groups(self._cell(queries), len(self.centres))  # (n, b), (n,)
        n_classes = self.candidates.shape[1]
        near = queries.new_empty(len(blocks), n_classes, GROUPS, MULTIPLE)
        n_candidates, width = self.candidates[0].numel(), queries.shape[1]
        size = rows_at_once(blocks.numel(), n_candidates * max(1, width // MULTIPLE), queries.device)
        memory, n_blocks = queries.new_empty(size * n_candidates), size // MULTIPLE
        gathered = queries.new_empty(n_blocks * n_candidates, width)
        for block, of_cell, found in zip(*(whole.split(n_blocks) for whole in (blocks, cell, near)), strict=True):
            candidates = self.candidates.index_select(0, of_cell)  # (m, L, GROUPS, K / GROUPS)
            references = gathered[: candidates.numel()]
            torch.index_select(self.rows, 0, candidates.flatten(), out=references)
            rows = queries.index_select(0, block.flatten()).view(len(block), MULTIPLE, width)
            less = products(references.view(len(block), n_candidates, width), rows.mT, memory)
            less = less.view(*candidates.shape, MULTIPLE)
            if own is not None:
                less = less.masked_fill(candidates.unsqueeze(-1) == own[block][:, None, None, None], torch.inf)
            torch.amin(less, 3, out=found)
        nearest = queries.new_empty(n_classes, GROUPS, len(queries))
        nearest[..., blocks] = near.movedim(0, 2)
        return nearest

    def _cell(self, queries: Tensor) -> Tensor:
        """Number of the centre nearest to each row, `(B, P + 1)` -> `(B,)`."""
        cell = torch.zeros(len(queries), dtype=torch.int64, device=queries.device)
        if len(self.centres) > 1:
            size = rows_at_once(len(queries), len(self.centres), queries.device)
            memory = queries.new_empty(size * len(self.centres))
            for part, found in zip(queries.split(size), cell.split(size), strict=True):
                distances = products(filled_up(part)[None], self.centres.T[None], memory)[0]
                found.copy_(argmin_of_rows(distances)[: len(part)])
        return cell


class Neighbourhood(nn.Module):
    """Rows joined by how near the nearest training rows are, by scaled features and perhaps by ranks.

    Buffers: `rows (R,)`, which training rows the references are; `mean` and `scale (D,)` of the new columns over the
    training rows, each described without itself.

    Shape: scaled rows `(B, P)` -> `(B, P + D)`. The new columns, standardised and clipped, are four for each space: the
    log distance from normal rows and that from anomalies, both as means over groups of candidates, their difference,
    and the difference for the nearest of all. The mean is a smoother measure for the price of the nearest. Where normal
    rows alone are referred to, it is one: the first of these.
    """

    rows: Tensor
    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        scaled: References,
        ranked: References | None,
        ranks: Ranks | None,
        rows: Tensor,
        mean: Tensor,
        scale: Tensor,
    ) -> None:
        super().__init__()
        self.scaled, self.ranked, self.ranks = scaled, ranked, ranks
        self.register_buffer("rows", rows)
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)

    @classmethod
    def fit(
        cls,
        x: Tensor,
        y: Tensor,
        n_candidates: int,
        max_references: int,
        generator: torch.Generator,
        with_anomalies: bool = True,
        by_ranks: bool = True,
    ) -> Neighbourhood:
        """Refer to at most `max_references` rows of each class among the training rows `x (N, P)`, `y (N,)`."""
        labels = (0, 1) if with_anomalies else (0,)
        classes = [_shuffled((y == label).nonzero().flatten(), generator)[:max_references] for label in labels]
        scaled = References.fit([x[own] for own in classes], n_candidates, generator)
        ranks = ranked = None
        if by_ranks:
            ranks = Ranks.fit(x.cpu().numpy()).to(x)
            located = ranks(x)
            ranked = References.fit([located[own] for own in classes], n_candidates, generator)
        n_described = N_DESCRIBED[len(classes)] * (1 + by_ranks)
        hood = cls(scaled, ranked, ranks, torch.cat(classes), x.new_zeros(n_described), x.new_ones(n_described))
        columns = hood._columns(x, hood.reference_of_training_rows(len(x)))
        hood.mean, hood.scale = columns.mean(0), columns.std(0).clamp(min=FLOOR)
        return hood

    def forward(self, x: Tensor, own: Tensor | None = None) -> Tensor:
        """Describe rows; the reference `own (B,)` of a row does not count for it."""
        columns = (self._columns(x, own) - self.mean) / self.scale
        return torch.cat([x, columns.clamp(-CLIP, CLIP)], dim=1)

    def describe_training_rows(self, x: Tensor, synthetic: Tensor) -> Tensor:
        """Describe the real rows `x (N, P)` it was fitted to and synthetic anomalies `(g, P)` as if they were new.

        A real row is not its own neighbour, and neither is the anomaly that a synthetic one is nearest to by scaled
        features: that is most likely the one it was made from. Both are left out by scaled features and by ranks.
        """
        if self.with_anomalies:
            parent = self.scaled.nearest_anomaly(synthetic)
        else:
            parent = self.rows.new_full((len(synthetic),), NOBODY)
        return self(torch.cat([x, synthetic]), torch.cat([self.reference_of_training_rows(len(x)), parent]))

    @property
    def with_anomalies(self) -> bool:
        """Whether anomalies are referred to, beside normal rows."""
        return say_of_anomalies(len(self.mean))

    def reference_of_training_rows(self, n_rows: int) -> Tensor:
        """Number of the reference that each of the training rows is, `(N,)`, or `NOBODY`."""
        reference = torch.full((n_rows,), NOBODY, device=self.rows.device)
        reference[self.rows] = torch.arange(len(self.rows), device=self.rows.device)
        return reference

    def _columns(self, x: Tensor, own: Tensor | None) -> Tensor:
        by_space = [self.scaled(x, own)]
        if self.ranked is not None and self.ranks is not None:
            by_space.append(self.ranked(self.ranks(x), own))
        log_distance = torch.stack(by_space)  # (spaces, L, GROUPS, B)
        nearest, mean = log_distance.amin(2), log_distance.mean(2)  # (spaces, L, B) each
        if not self.with_anomalies:
            return mean.flatten(0, 1).T
        normal, anomalous = mean.unbind(1)
        columns = torch.stack([normal, anomalous, normal - anomalous, nearest[:, 0] - nearest[:, 1]], dim=1)
        return columns.flatten(0, 1).T


def say_of_anomalies(n_described: int) -> bool:
    """Whether so many columns are about anomalies, too: of normal rows alone there is but one for each space."""
    return n_described >= N_DESCRIBED[2]


def ranks_say_more(x: Tensor) -> bool:
    """Whether ranks are more than the scaled features `x (N, P)` by one factor.

    Two values are equally far apart by ranks, however many rows have which, and as features are prepared, unless they
    are cut off. A third is somewhere in between.
    """
    low, high = x.amin(0), x.amax(0)
    gap = (high - low)[high > low]
    between = ((x != low) & (x != high)).any()
    return bool(between) or bool((gap.max() - gap.min() > SAME_GAP * gap.max()) if len(gap) else False)


def _shuffled(rows: Tensor, generator: torch.Generator) -> Tensor:
    return rows[torch.randperm(len(rows), generator=generator, device=rows.device)]


def _nearest(centres: Tensor, rows: Tensor, n: int) -> Tensor:
    """Numbers of the at most n rows nearest to each centre, `(C, P)`, `(R, P)` -> `(C, n)`."""
    references = lifted(rows).T
    parts = [with_one(part) @ references for part in centres.split(64)]
    return torch.cat([part.topk(min(n, len(rows)), largest=False).indices for part in parts])


def _groups(n: int, width: int, generator: torch.Generator) -> Tensor:
    """Groups of the numbers below n in random order, `(GROUPS, width)`: each in one, unless they are too few."""
    numbers = torch.randperm(n, generator=generator, device=generator.device)
    groups = numbers.repeat(-(-GROUPS // n)).tensor_split(GROUPS)
    return torch.stack([group.repeat(-(-width // len(group)))[:width] for group in groups])


def lifted(x: Tensor) -> Tensor:
    """Rows `(..., R, P)` -> `(..., R, P + 1)`, whose products with rows and a one are `|r|^2 - 2 r . x`."""
    return torch.cat([-2 * x, x.square().sum(-1, keepdim=True)], dim=-1)


def with_one(x: Tensor) -> Tensor:
    """Rows `(..., B, P)` -> `(..., B, P + 1)`: one product with `lifted` rows says which of them is nearest."""
    return F.pad(x, (0, 1), value=1.0)


def rows_at_once(n_rows: int, n_numbers: int, device: torch.device) -> int:
    """How many rows are computed at a time, a multiple of `MULTIPLE`, for `MEMORY` numbers if each takes so many."""
    return MULTIPLE * max(1, min(-(-n_rows // MULTIPLE), at_once(MEMORY, device) // (MULTIPLE * n_numbers)))


def products(a: Tensor, b: Tensor, memory: Tensor) -> Tensor:
    """`a @ b`, in `memory` that is used again and again: to be given new memory can take longer than the product."""
    shape = len(a), a.shape[1], b.shape[2]
    return torch.bmm(a, b, out=memory[: math.prod(shape)].view(shape))
