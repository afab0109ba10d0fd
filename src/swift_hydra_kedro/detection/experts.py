"""Training of all experts in one batched pass (section 3.2).

Each expert leans towards its cluster, sees a random part of the features, and is judged on a fold of
the rows that it never trains on; its best state there is kept. With fewer labelled anomalies than
folds nothing can be held out, and every expert trains for the whole budget on all rows.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from swift_hydra_kedro.config import ExpertsConfig
from swift_hydra_kedro.detection.rows import NO_FOLD, TrainingRows, expert_batches
from swift_hydra_kedro.models.batches import mixup
from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.encoding import PiecewiseLinearEncoding
from swift_hydra_kedro.models.layers import seeded_init

EVALUATIONS = 25
MAX_HELD_OUT = 2000


def fit_experts(
    rows: TrainingRows,
    cluster_of_expert: np.ndarray,
    encoding: PiecewiseLinearEncoding,
    config: ExpertsConfig,
    generator: torch.Generator,
    progress: bool = False,
) -> tuple[MambaDetector, list[dict[str, float]]]:
    """Train M stacked experts.

    Returns
    -------
    MambaDetector
        With `stack=(M,)`, each expert at its best held-out state.
    list of dict
        One row per evaluation: step, training loss, held-out loss (mean over experts; NaN without folds).
    """
    n_experts = config.n_experts
    with seeded_init(generator):
        experts = MambaDetector(encoding, config.mamba, (n_experts,)).to(rows.x.device)
    mask = _feature_mask(rows, encoding, config, generator)
    experts.net.tokens.keep_only(mask)
    fold_of_expert = np.arange(n_experts) % config.folds if rows.has_folds else np.full(n_experts, NO_FOLD)
    held_out = _held_out_rows(rows, fold_of_expert) if rows.has_folds else None
    n_steps = config.training.steps(int((~rows.synthetic).sum()))
    every = max(1, n_steps // EVALUATIONS)
    optimiser = torch.optim.Adam(experts.parameters(), lr=config.training.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.training.learning_rate, total_steps=n_steps)
    best = _BestStates(experts)
    history: list[dict[str, float]] = []
    bar = tqdm(range(n_steps), desc="experts", unit="step", disable=not progress)
    for step in bar:
        if step % every == 0:
            block = expert_batches(
                rows, cluster_of_expert, fold_of_expert, config, min(every, n_steps - step), generator
            )
        index = block[step % every]  # (M, B)
        x, y, weight = mixup(rows.x[index], rows.y[index], rows.weight[index], config.mixup, generator)
        losses = F.binary_cross_entropy_with_logits(experts(x), y, weight, reduction="none").mean(-1)  # (M,)
        optimiser.zero_grad()
        losses.sum().backward()
        optimiser.step()
        schedule.step()
        experts.net.tokens.keep_only(mask)
        if (step + 1) % every == 0 or step + 1 == n_steps:
            held_out_loss = (
                _held_out_losses(experts, rows, held_out) if held_out else torch.full((n_experts,), torch.nan)
            )
            best.update(experts, held_out_loss if held_out else torch.zeros(n_experts))
            history.append(
                {
                    "step": step + 1,
                    "loss": float(losses.detach().mean()),
                    "held_out_loss": float(held_out_loss.mean()),
                }
            )
            bar.set_postfix(loss=f"{history[-1]['loss']:.3f}", held_out=f"{history[-1]['held_out_loss']:.3f}")
    best.restore(experts)
    return experts, history


class _BestStates:
    """Each stacked expert's parameters at its lowest loss, the latest ones where losses are equal."""

    def __init__(self, experts: MambaDetector) -> None:
        self.loss = torch.full(experts.stack, torch.inf)
        self.state = {name: value.detach().clone() for name, value in experts.named_parameters()}

    @torch.no_grad()
    def update(self, experts: MambaDetector, loss: Tensor) -> None:
        loss = loss.cpu()
        better = loss <= self.loss
        self.loss = torch.where(better, loss, self.loss)
        for name, value in experts.named_parameters():
            self.state[name][better] = value[better]

    @torch.no_grad()
    def restore(self, experts: MambaDetector) -> None:
        for name, value in experts.named_parameters():
            value.copy_(self.state[name])


def _feature_mask(
    rows: TrainingRows, encoding: PiecewiseLinearEncoding, config: ExpertsConfig, generator: torch.Generator
) -> Tensor:
    """Random subspaces: `(M, F)`, 1 where an expert sees an input."""
    share = config.feature_share if rows.has_folds else config.few_anomalies_feature_share
    n_features = encoding.n_features
    n_seen = max(1, round(share * n_features))
    order = torch.rand(config.n_experts, n_features, generator=generator, device=generator.device).argsort(dim=1)
    seen = (order < n_seen).float()  # (M, P)
    return seen[:, encoding.feature_of_output]


def _held_out_rows(rows: TrainingRows, fold_of_expert: np.ndarray) -> tuple[Tensor, Tensor]:
    """Row numbers `(M, H)` that each expert is judged on and their weights, which balance the classes."""
    members = []
    for fold in fold_of_expert:
        anomalies = ((rows.fold == int(fold)) & (rows.y >= 0.5)).nonzero().flatten()[: MAX_HELD_OUT // 2]
        normals = ((rows.fold == int(fold)) & (rows.y < 0.5)).nonzero().flatten()[: MAX_HELD_OUT - len(anomalies)]
        members.append(torch.cat([anomalies, normals]))
    longest = max(map(len, members))
    index = torch.stack([F.pad(m, (0, longest - len(m)), value=int(m[0])) for m in members])  # (M, H)
    real = torch.stack([torch.arange(longest, device=m.device) < len(m) for m in members])
    y, weight = rows.y[index], rows.weight[index] * real
    anomalous, normal = weight * y, weight * (1 - y)
    balanced = anomalous / anomalous.sum(1, keepdim=True) + normal / normal.sum(1, keepdim=True)
    return index, balanced / 2


@torch.inference_mode()
def _held_out_losses(experts: MambaDetector, rows: TrainingRows, held_out: tuple[Tensor, Tensor]) -> Tensor:
    """Class-balanced loss of each expert on its own fold, `(M,)`."""
    index, weight = held_out
    return F.binary_cross_entropy_with_logits(experts(rows.x[index]), rows.y[index], weight, reduction="none").sum(-1)
