"""The training rows as the detection module sees them, and which of them each expert draws."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from swift_hydra_kedro.config import ExpertsConfig
from swift_hydra_kedro.models.batches import draw
from swift_hydra_kedro.models.layers import fork

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


def draw_bags(
    rows: TrainingRows, n_experts: int, bootstrap: bool, generator: torch.Generator, drawn: Tensor | None = None
) -> list[Tensor]:
    """Row numbers that each expert learns from, `(N,)`.

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
            bag = [drawn[expert].nonzero().flatten(), bag[-1]]
        bags.append(torch.cat(bag))
    return bags


def expert_batches(
    rows: TrainingRows,
    bags: list[Tensor],
    cluster_of_expert: np.ndarray,
    config: ExpertsConfig,
    n_steps: int,
    generator: torch.Generator,
) -> Tensor:
    """Row numbers `(n_steps, M, B)`: each expert's own draws from its bag."""
    size = config.training.batch_size
    draws = [
        _draw_batches(rows, bag, rows.cluster[bag] == int(cluster), config, size, n_steps, generator)
        for bag, cluster in zip(bags, cluster_of_expert, strict=True)
    ]
    return torch.stack(draws, dim=1)


def common_batches(
    rows: TrainingRows, config: ExpertsConfig, batch_size: int, n_steps: int, generator: torch.Generator
) -> Tensor:
    """Row numbers `(n_steps, B)` from all rows and all clusters alike."""
    pool = torch.arange(len(rows.y), device=rows.y.device)
    return _draw_batches(rows, pool, torch.zeros_like(rows.synthetic), config, batch_size, n_steps, generator)


def noise_of_described(rows: TrainingRows, config: ExpertsConfig) -> float:
    """Standard deviation of the noise on what neighbours say: the fewer the rows, the less that is to be trusted.

    It is `config.neighbours.noise` with just enough rows of both classes, and less in proportion to the geometric mean
    of their numbers.
    """
    if config.neighbours is None or not rows.n_described:
        return 0.0
    normal, anomalous, _ = rows.kinds
    return config.neighbours.noise * config.neighbours.min_rows / math.sqrt(int(normal.sum()) * int(anomalous.sum()))


def blur_described(x: Tensor, n_described: int, noise: float, generator: torch.Generator) -> Tensor:
    """Rows `x (..., P)` with noise of that standard deviation on the last `n_described` features."""
    if not noise:
        return x
    standard_normal = torch.randn(*x.shape[:-1], n_described, generator=generator, device=x.device)
    return x + F.pad(noise * standard_normal, (x.shape[-1] - n_described, 0))


def _draw_batches(
    rows: TrainingRows,
    pool: Tensor,
    own: Tensor,
    config: ExpertsConfig,
    size: int,
    n_steps: int,
    generator: torch.Generator,
) -> Tensor:
    """Batches `(n_steps, size)` from `pool (n,)`: half anomalies, some synthetic; some rows are `own (n,)`, a mask."""
    normal, anomalous, synthetic = (mask[pool] for mask in rows.kinds)
    n_anomalous = size // 2
    share = _synthetic_share(int(synthetic.sum()), int(anomalous.sum()), config)
    n_synthetic = max(round(share * n_anomalous), int(share > 0))
    own_source = fork(generator)  # synthetic rows take the places of real anomalies and change no other draw
    parts = [(normal, size - n_anomalous), (anomalous, n_anomalous)]
    drawn = [_draw_part(mask, own, n, config.cluster_share, n_steps, generator) for mask, n in parts]
    if n_synthetic:
        places = torch.arange(n_synthetic) * n_anomalous // n_synthetic  # of rows from the own cluster and others alike
        drawn[1][:, places] = _draw_part(synthetic, own, n_synthetic, config.cluster_share, n_steps, own_source)
    return pool[torch.cat(drawn, dim=1)]


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


def _draw_part(
    mask: Tensor, own: Tensor, n: int, cluster_share: float, n_steps: int, generator: torch.Generator
) -> Tensor:
    """Draw `(n_steps, n)` positions of one kind: a share from the own cluster, the rest from anywhere.

    A share below 1 is smaller where the cluster holds little of that kind: its rows come `MAX_OVERDRAWN` times as often
    as others at most.
    """
    everywhere, inside = mask.nonzero().flatten(), (mask & own).nonzero().flatten()
    if cluster_share < 1:
        cluster_share = min(cluster_share, MAX_OVERDRAWN * len(inside) / max(1, len(everywhere)))
    n_inside = round(cluster_share * n) if len(inside) else 0
    parts = [draw(inside, (n_steps, n_inside), generator)] if n_inside else []
    if n - n_inside:
        parts.append(draw(everywhere, (n_steps, n - n_inside), generator))
    return torch.cat(parts, dim=1) if parts else everywhere.new_empty(n_steps, 0)
