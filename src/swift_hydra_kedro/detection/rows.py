"""The training rows as the detection module sees them, and which of them each expert draws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from swift_hydra_kedro.config import ExpertsConfig
from swift_hydra_kedro.models.batches import draw
from swift_hydra_kedro.models.layers import fork
from swift_hydra_kedro.models.neighbours import say_of_anomalies

MAX_OVERDRAWN = 2.0


@dataclass(frozen=True)
class TrainingRows:
    """Real rows followed by synthetic anomalies.

    `x (N, P)` scaled features, `y (N,)` labels, `weight (N,)`, `cluster (N,)`, `synthetic (N,)` a mask. The last
    `n_described` of the features are what a row's neighbours say of it.
    """

    x: Tensor
    y: Tensor
    weight: Tensor
    cluster: Tensor
    synthetic: Tensor
    n_described: int = 0

    @property
    def kinds(self) -> tuple[Tensor, Tensor, Tensor]:
        """Masks `(N,)` of the normal rows, the real anomalies and the synthetic ones."""
        return self.y < 0.5, (self.y >= 0.5) & ~self.synthetic, self.synthetic


class Bag(NamedTuple):
    """Row numbers that a network learns from, by kind; a row may be there several times."""

    normal: Tensor
    anomalous: Tensor
    synthetic: Tensor

    @property
    def rows(self) -> Tensor:
        """All of them, `(N,)`."""
        return torch.cat(self)


class Pool(NamedTuple):
    """A network's rows of one kind: row numbers, and those of them that are in its cluster."""

    everywhere: Tensor
    inside: Tensor


def draw_bags(
    rows: TrainingRows, n_experts: int, bootstrap: bool, generator: torch.Generator, drawn: Tensor | None = None
) -> list[Bag]:
    """Rows that each expert learns from.

    A bootstrap sample is drawn within normal rows, real and synthetic anomalies, so that none of them is lost. Where
    real rows are `drawn (M, N)` already, a mask, only synthetic ones are drawn.
    """
    kinds = [mask.nonzero().flatten() for mask in rows.kinds]
    bags = []
    for expert in range(n_experts):
        bag = kinds
        if bootstrap:
            sources = (generator, generator, fork(generator))  # synthetic rows change no other draw
            bag = [draw(kind, (len(kind),), g) if len(kind) else kind for kind, g in zip(kinds, sources, strict=True)]
        if drawn is not None:
            bag = [*(kind[drawn[expert, kind]] for kind in kinds[:2]), bag[-1]]
        bags.append(Bag(*bag))
    return bags


def pools(rows: TrainingRows, bag: Bag, cluster: int) -> list[Pool]:
    """The rows of a bag to draw batches from, by kind, for a network that leans towards the cluster."""
    return [Pool(kind, kind[rows.cluster[kind] == cluster]) for kind in bag]


def expert_batches(
    pools_of_experts: Sequence[Sequence[Pool]],
    config: ExpertsConfig,
    n_steps: int,
    generator: torch.Generator,
    n_before: int = 0,
) -> Tensor:
    """Row numbers `(n_steps, M, B)`: each expert's own draws from its bag, after `n_before` steps."""
    size = config.training.batch_size
    drawn = [_draw_batches(own, config, size, n_steps, generator, n_before) for own in pools_of_experts]
    return torch.stack(drawn, dim=1)


def common_batches(
    rows: TrainingRows, config: ExpertsConfig, batch_size: int, n_steps: int, generator: torch.Generator
) -> Tensor:
    """Row numbers `(n_steps, B)` from all rows and all clusters alike."""
    kinds = [mask.nonzero().flatten() for mask in rows.kinds]
    return _draw_batches([Pool(kind, kind[:0]) for kind in kinds], config, batch_size, n_steps, generator)


def noise_of_described(rows: TrainingRows, config: ExpertsConfig) -> float:
    """Standard deviation of the noise on what neighbours say: the fewer the rows, the less that is to be trusted.

    It is `config.neighbours.noise` with just enough rows of the classes that rows are compared with, and less in
    proportion to the geometric mean of their numbers.
    """
    if config.neighbours is None or not rows.n_described:
        return 0.0
    normal, anomalous, _ = (int(mask.sum()) for mask in rows.kinds)
    n_compared = math.sqrt(normal * anomalous) if say_of_anomalies(rows.n_described) else normal
    return config.neighbours.noise * config.neighbours.min_rows / n_compared


def blur_described(x: Tensor, n_described: int, noise: float, generator: torch.Generator) -> Tensor:
    """Rows `x (..., P)` with noise of that standard deviation on the last `n_described` features."""
    if not noise:
        return x
    standard_normal = torch.randn(*x.shape[:-1], n_described, generator=generator, device=x.device)
    return x + F.pad(noise * standard_normal, (x.shape[-1] - n_described, 0))


def _draw_batches(
    pools_of_kinds: Sequence[Pool],
    config: ExpertsConfig,
    size: int,
    n_steps: int,
    generator: torch.Generator,
    n_before: int = 0,
) -> Tensor:
    """Batches `(n_steps, size)` of row numbers: half anomalies, some synthetic; some rows are of the own cluster.

    Synthetic rows take as many places as they are due, on average over the batches.
    """
    normal, anomalous, synthetic = pools_of_kinds
    n_anomalous = size // 2
    places_due = n_anomalous * _synthetic_share(len(synthetic.everywhere), len(anomalous.everywhere), config)
    own_source = fork(generator)  # synthetic rows take the places of real anomalies and change no other draw
    parts = [(normal, size - n_anomalous), (anomalous, n_anomalous)]
    drawn = [_draw_part(pool, n, config.cluster_share, n_steps, generator) for pool, n in parts]
    due = torch.arange(n_before, n_before + n_steps + 1, dtype=torch.float64, device=own_source.device) * places_due
    n_of_batch = due.ceil().diff().long()  # (n_steps,)
    for n in n_of_batch[n_of_batch > 0].unique().tolist():
        which = (n_of_batch == n).nonzero()  # (batches, 1)
        spread = torch.arange(n, device=which.device)
        places = spread * n_anomalous // n  # of rows from the own cluster and others alike
        drawn[1][which, places] = _draw_part(synthetic, n, config.cluster_share, len(which), own_source)
    return torch.cat(drawn, dim=1)


def _synthetic_share(n_synthetic: int, n_real: int, config: ExpertsConfig) -> float:
    """Share of synthetic rows among the anomalies drawn; none is drawn more often than a real one.

    Where few synthetic rows were found worth keeping, those few do not take the places of all.
    """
    if not n_synthetic:
        return 0.0
    if config.synthetic_share is None:
        return n_synthetic / (n_synthetic + n_real)
    worth = min(config.synthetic_worth, n_synthetic)
    most = config.synthetic_share * min(1.0, n_synthetic / config.full_share_rows)
    return min(most, worth / (worth + n_real))


def _draw_part(pool: Pool, n: int, cluster_share: float, n_steps: int, generator: torch.Generator) -> Tensor:
    """Draw `(n_steps, n)` rows of one kind: a share from the own cluster, the rest from anywhere.

    A share below 1 is smaller where the cluster holds little of that kind: `MAX_OVERDRAWN` times what the cluster holds
    of all rows at most. With those drawn from anywhere, its rows come up to three times as often as by chance.
    """
    everywhere, inside = pool
    if cluster_share < 1:
        cluster_share = min(cluster_share, MAX_OVERDRAWN * len(inside) / max(1, len(everywhere)))
    n_inside = round(cluster_share * n) if len(inside) else 0
    parts = [draw(inside, (n_steps, n_inside), generator)] if n_inside else []
    if n - n_inside:
        parts.append(draw(everywhere, (n_steps, n - n_inside), generator))
    return torch.cat(parts, dim=1) if parts else everywhere.new_empty(n_steps, 0)
