"""Random draws that training shares: class-balanced batches and mixup. All from a generator passed in."""

from __future__ import annotations

import torch
from torch import Tensor


def draw(pool: Tensor, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Draw row numbers from `pool (n,)` with replacement."""
    return pool[torch.randint(len(pool), shape, generator=generator, device=generator.device)]


def batches(label: Tensor, n_steps: int, batch_size: int, balanced: bool, generator: torch.Generator) -> Tensor:
    """Row numbers of each step's batch, `(n_steps, batch_size)`; balanced ones hold half anomalies."""
    rows = torch.arange(len(label), device=label.device)
    anomalies, normals = rows[label > 0.5], rows[label <= 0.5]
    if not balanced or len(anomalies) == 0 or len(normals) == 0:
        return draw(rows, (n_steps, batch_size), generator)
    half = batch_size // 2
    return torch.cat(
        [draw(anomalies, (n_steps, half), generator), draw(normals, (n_steps, batch_size - half), generator)], dim=1
    )


def mixup(
    x: Tensor, y: Tensor, weight: Tensor, beta: float, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Mix each row with another of its batch by a Beta(beta, beta) ratio (Zhang et al., ICLR 2018).

    Shapes: `x (..., B, P)`, `y` and `weight (..., B)`.
    """
    if beta == 0:
        return x, y, weight
    alpha = torch.full(y.shape, beta, dtype=x.dtype, device=x.device)
    first, second = torch._standard_gamma(alpha, generator), torch._standard_gamma(alpha, generator)
    ratio = (first / (first + second).clamp(min=1e-30)).clamp(0, 1)  # (..., B)
    partner = torch.randperm(y.shape[-1], generator=generator, device=y.device)
    mixed_x = torch.lerp(x[..., partner, :], x, ratio.unsqueeze(-1))
    return mixed_x, torch.lerp(y[..., partner], y, ratio), torch.lerp(weight[..., partner], weight, ratio)


def trim(label: Tensor, generator: torch.Generator) -> Tensor:
    """`Trim` (A.1): row numbers of the balanced set, shuffled.

    It holds `j = min(#normal, #anomalous)` rows of each class, drawn without replacement.
    """
    classes = [(label > 0.5).nonzero().flatten(), (label <= 0.5).nonzero().flatten()]
    j = min(map(len, classes))
    kept = torch.cat(
        [rows[torch.randperm(len(rows), generator=generator, device=label.device)[:j]] for rows in classes]
    )
    return kept[torch.randperm(len(kept), generator=generator, device=label.device)]
