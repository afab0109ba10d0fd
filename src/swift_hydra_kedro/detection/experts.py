"""Training of all experts in one batched pass (section 3.2).

The experts are made to differ, so that their mean is better than any of them: each leans towards its
cluster, learns from its own bootstrap sample, and sees a random part of the features in some of their views.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from swift_hydra_kedro.config import ExpertsConfig
from swift_hydra_kedro.detection.rows import TrainingRows, draw_bags, expert_batches
from swift_hydra_kedro.models.batches import mixup
from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.encoding import NORMAL, PIECEWISE, SCALED, PiecewiseLinearEncoding
from swift_hydra_kedro.models.layers import seeded_init

RECORDS = 25
VIEWS = ((SCALED, NORMAL), (SCALED, PIECEWISE), (SCALED, PIECEWISE, NORMAL), (SCALED,))


def fit_experts(
    rows: TrainingRows,
    cluster_of_expert: np.ndarray,
    encoding: PiecewiseLinearEncoding,
    config: ExpertsConfig,
    generator: torch.Generator,
    progress: bool = False,
    name: str = "experts",
) -> tuple[MambaDetector, list[dict[str, float]]]:
    """Train M stacked experts; `name` stands at the progress bar.

    Returns
    -------
    MambaDetector
        With `stack=(M,)`.
    list of dict
        One row per record: step, and the training loss since the last one (mean over steps and experts).
    """
    with seeded_init(generator):
        experts = MambaDetector(encoding, config.mamba, (config.n_experts,)).to(rows.x.device)
    mask = _input_mask(encoding, config, generator)
    experts.net.tokens.keep_only(mask)
    bags = draw_bags(rows, config.n_experts, config.bootstrap, generator)
    n_steps = config.training.steps(int((~rows.synthetic).sum()))
    every = max(1, n_steps // RECORDS)
    optimiser = torch.optim.Adam(experts.parameters(), lr=config.training.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.training.learning_rate, total_steps=n_steps)
    history: list[dict[str, float]] = []
    with tqdm(total=n_steps, desc=name, unit="step", disable=not progress) as bar:
        for start in range(0, n_steps, every):
            block = expert_batches(
                rows, bags, cluster_of_expert, config, min(every, n_steps - start), generator
            )  # (steps, M, B)
            total = torch.zeros((), device=rows.x.device)
            for index in block:
                x, y, weight = mixup(rows.x[index], rows.y[index], rows.weight[index], config.mixup, generator)
                losses = F.binary_cross_entropy_with_logits(experts(x), y, weight, reduction="none").mean(-1)  # (M,)
                optimiser.zero_grad()
                losses.sum().backward()
                optimiser.step()
                schedule.step()
                experts.net.tokens.keep_only(mask)
                total += losses.detach().mean()
            history.append({"step": start + len(block), "loss": float(total) / len(block)})
            bar.update(len(block))
            bar.set_postfix(loss=f"{history[-1]['loss']:.3f}")
    return experts, history


def _input_mask(encoding: PiecewiseLinearEncoding, config: ExpertsConfig, generator: torch.Generator) -> Tensor:
    """Inputs `(M, F)` that each expert sees, 1 or 0: random features, in one of the combinations of views in turn."""
    n_features = encoding.n_features
    n_seen = max(1, round(config.feature_share * n_features))
    order = torch.rand(config.n_experts, n_features, generator=generator, device=generator.device).argsort(dim=1)
    mask = (order < n_seen)[:, encoding.feature_of_output]  # (M, F)
    if config.mixed_views:
        views = [torch.isin(encoding.view_of_output, torch.tensor(v, device=mask.device)) for v in VIEWS]
        mask = mask & torch.stack([views[expert % len(VIEWS)] for expert in range(config.n_experts)])
    return mask.float()
