"""The training rows as the detection module sees them, and which of them each expert draws."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from swift_hydra_kedro.config import ExpertsConfig
from swift_hydra_kedro.models.batches import draw

logger = logging.getLogger(__name__)
NO_FOLD = -1


@dataclass(frozen=True)
class TrainingRows:
    """Real rows followed by synthetic anomalies.

    `x (N, P)` scaled features, `y (N,)` labels, `weight (N,)`, `cluster (N,)`, `synthetic (N,)` a mask,
    `fold (N,)` the held-out fold of a real row; synthetic rows have `NO_FOLD`.
    """

    x: Tensor
    y: Tensor
    weight: Tensor
    cluster: Tensor
    synthetic: Tensor
    fold: Tensor

    @property
    def has_folds(self) -> bool:
        """Whether there were enough labelled anomalies to hold some out."""
        return bool((self.fold != NO_FOLD).any())


def stratified_folds(y: np.ndarray, n_folds: int, rng: np.random.Generator) -> np.ndarray:
    """Deal each class evenly to the folds, `(N,)`; `NO_FOLD` for all rows where a class has fewer rows than folds."""
    fold = np.full(len(y), NO_FOLD)
    classes = [np.flatnonzero(y == label) for label in (0, 1)]
    if n_folds == 1:
        return fold
    if (fewest := min(map(len, classes))) < n_folds:
        logger.warning(
            "%d training rows of the rarer class are fewer than %d folds: no expert holds rows out, and each "
            "sees fewer features (few_anomalies_feature_share)",
            fewest,
            n_folds,
        )
        return fold
    for members in classes:
        fold[rng.permutation(members)] = np.arange(len(members)) % n_folds
    return fold


def expert_batches(
    rows: TrainingRows,
    cluster_of_expert: np.ndarray,
    fold_of_expert: np.ndarray,
    config: ExpertsConfig,
    n_steps: int,
    generator: torch.Generator,
) -> Tensor:
    """Row numbers `(n_steps, M, B)`: each expert's own draws, without the fold that it holds out."""
    size = config.training.batch_size
    draws = []
    for cluster, fold in zip(cluster_of_expert, fold_of_expert, strict=True):
        seen = (rows.fold != int(fold)) | (rows.fold == NO_FOLD)
        own = rows.cluster == int(cluster)
        draws.append(_draw_batches(rows, seen, own, config, size, n_steps, generator))
    return torch.stack(draws, dim=1)


def common_batches(
    rows: TrainingRows, config: ExpertsConfig, batch_size: int, n_steps: int, generator: torch.Generator
) -> Tensor:
    """Row numbers `(n_steps, B)` from all rows and all clusters alike."""
    everything = torch.ones_like(rows.synthetic)
    return _draw_batches(rows, everything, ~everything, config, batch_size, n_steps, generator)


def _draw_batches(
    rows: TrainingRows,
    seen: Tensor,
    own: Tensor,
    config: ExpertsConfig,
    size: int,
    n_steps: int,
    generator: torch.Generator,
) -> Tensor:
    """Batches `(n_steps, size)`: half anomalies, some of them synthetic, some rows from the own cluster."""
    normal = seen & (rows.y < 0.5)
    anomalous = seen & (rows.y >= 0.5) & ~rows.synthetic
    n_anomalous = size // 2
    share = config.synthetic_share
    if share is None:
        share = float(rows.synthetic.sum() / (rows.synthetic | anomalous).sum())
    n_synthetic = round(share * n_anomalous) if bool(rows.synthetic.any()) else 0
    parts = [(normal, size - n_anomalous), (anomalous, n_anomalous - n_synthetic), (rows.synthetic, n_synthetic)]
    return torch.cat([_draw_part(mask, own, n, config.cluster_share, n_steps, generator) for mask, n in parts], dim=1)


def _draw_part(
    mask: Tensor, own: Tensor, n: int, cluster_share: float, n_steps: int, generator: torch.Generator
) -> Tensor:
    """Draw `(n_steps, n)` rows of one kind: a share from the own cluster where it has any, the rest from everywhere."""
    everywhere, inside = mask.nonzero().flatten(), (mask & own).nonzero().flatten()
    n_inside = round(cluster_share * n) if len(inside) else 0
    parts = [draw(inside, (n_steps, n_inside), generator)] if n_inside else []
    if n - n_inside:
        parts.append(draw(everywhere, (n_steps, n - n_inside), generator))
    return torch.cat(parts, dim=1) if parts else everywhere.new_empty(n_steps, 0)
