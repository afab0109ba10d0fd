"""Training of all experts (section 3.2).

The experts are made to differ, so that their mean is better than any of them: each leans towards its
cluster, learns from its own bootstrap sample, and sees a random part of the features in some of their views; half
of them see what a row's neighbours say of it, and half learn from synthetic anomalies, too.

They are trained as two stacks or more, side by side: experts that see no bins need not wait for them to be computed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from swift_hydra_kedro.config import ExpertsConfig
from swift_hydra_kedro.detection.rows import TrainingRows, draw_bags, expert_batches
from swift_hydra_kedro.models.batches import mixup
from swift_hydra_kedro.models.calibration import OutOfBag
from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.encoding import NORMAL, PIECEWISE, SCALED, PiecewiseLinearEncoding
from swift_hydra_kedro.models.layers import fork, seeded_init
from swift_hydra_kedro.models.runtime import in_threads

RECORDS = 25
GROUP = 10
CHUNK = 2048
MAX_OUT_OF_BAG = 5000
VIEWS = ((SCALED, NORMAL), (SCALED, PIECEWISE), (SCALED, PIECEWISE, NORMAL), (SCALED,))  # of experts in turn

History = list[dict[str, float]]


def fit_experts(
    rows: TrainingRows,
    cluster_of_expert: np.ndarray,
    encoding: PiecewiseLinearEncoding,
    config: ExpertsConfig,
    generator: torch.Generator,
    progress: bool = False,
    name: str = "experts",
) -> tuple[MambaDetector, History, OutOfBag]:
    """Train M stacked experts, on as many threads as torch has; `name` stands at the progress bar.

    Returns
    -------
    MambaDetector
        With `stack=(M,)`.
    list of dict
        One row per record: step, and the training loss since the last one (mean over steps and experts).
    OutOfBag
        What the experts say of real rows that they have not drawn; no rows without `bootstrap`.
    """
    sample = _sample_of_real_rows(rows, generator)
    groups = list(_groups(rows, encoding, config, generator))
    n_steps = config.training.steps(int((~rows.synthetic).sum()))
    with tqdm(total=n_steps * len(groups), desc=name, unit="step", disable=not progress) as bar:
        tasks = [partial(_fit_group, group, rows, sample, cluster_of_expert, config, n_steps, bar) for group in groups]
        trained = in_threads(tasks, rows.x.device)
    with seeded_init(generator):
        experts = MambaDetector(encoding, config.mamba, (config.n_experts,)).to(rows.x.device)
    experts.net.tokens.input_weight.zero_()
    for group in groups:
        experts.take_over(group.stack, group.members)
    history = _mean_over_experts([history for history, _ in trained], groups)
    return experts, history, _mean_out_of_bag(rows, sample, [sums for _, sums in trained])


@dataclass(frozen=True)
class _Group:
    """Experts that learn as one stack.

    Their numbers `members (G,)`, the `stack` of them, the inputs that each sees, `mask (G, F)`, and the generator
    that everything random in their training comes from.
    """

    members: Tensor
    stack: MambaDetector
    mask: Tensor
    generator: torch.Generator


def _groups(
    rows: TrainingRows, encoding: PiecewiseLinearEncoding, config: ExpertsConfig, generator: torch.Generator
) -> Iterator[_Group]:
    """Part the experts by whether they see bins, so that the others are spared them; on a CPU also by `GROUP`."""
    device = rows.x.device
    size = GROUP if device.type == "cpu" else config.n_experts
    for sees_bins in (True, False):
        alike = [e for e in range(config.n_experts) if (PIECEWISE in VIEWS[e % len(VIEWS)]) == sees_bins]
        seen = encoding if sees_bins or not config.mixed_views else encoding.with_views((SCALED, NORMAL))
        for start in range(0, len(alike), size):
            members = torch.tensor(alike[start : start + size], device=device)
            own = fork(generator)
            with seeded_init(own):
                stack = MambaDetector(seen, config.mamba, (len(members),)).to(device)
            yield _Group(members, stack, _input_mask(members, seen, rows.n_described, config, own), own)


def _input_mask(
    members: Tensor,
    encoding: PiecewiseLinearEncoding,
    n_described: int,
    config: ExpertsConfig,
    generator: torch.Generator,
) -> Tensor:
    """Inputs that each expert sees, `(G, F)`, 1 or 0: a random share of the features, in its combination of `VIEWS`.

    Of the last `n_described` features, which are about neighbours, experts without bins see all and others none.
    """
    n_features = encoding.n_features - n_described
    n_seen = max(1, round(config.feature_share * n_features))
    order = torch.rand(len(members), n_features, generator=generator, device=generator.device).argsort(dim=1)
    masks = []
    for expert, own_order in zip(members.tolist(), order, strict=True):
        views = VIEWS[expert % len(VIEWS)]
        features = F.pad(own_order < n_seen, (0, n_described), value=PIECEWISE not in views)  # (P,)
        mask = features[encoding.feature_of_output]
        if config.mixed_views:
            mask = mask & torch.isin(encoding.view_of_output, torch.tensor(views, device=mask.device))
        masks.append(mask.float())
    return torch.stack(masks)


def _fit_group(
    group: _Group,
    rows: TrainingRows,
    sample: Tensor,
    cluster_of_expert: np.ndarray,
    config: ExpertsConfig,
    n_steps: int,
    bar: tqdm,
    stop: threading.Event,
) -> tuple[History, Tensor]:
    """Train the stack of a group in place, until it is done or told to `stop`.

    Returns the history and, for the rows `sample (C,)`, how many experts had not drawn them and the sum of the
    probabilities that these give, `(2, C)`.
    """
    stack, generator, clusters = group.stack, group.generator, cluster_of_expert[group.members.cpu().numpy()]
    stack.net.tokens.keep_only(group.mask)
    bags = draw_bags(rows, _takes_synthetic(group, config), config.bootstrap, generator)
    every = max(1, n_steps // RECORDS)
    optimiser = torch.optim.Adam(stack.parameters(), lr=config.training.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.training.learning_rate, total_steps=n_steps)
    history: History = []
    for start in range(0, n_steps, every):
        block = expert_batches(rows, bags, clusters, config, min(every, n_steps - start), generator)  # (steps, G, B)
        total = torch.zeros((), device=rows.x.device)
        for index in block:
            if stop.is_set():
                return history, torch.zeros(2, len(sample))
            x, y, weight = mixup(rows.x[index], rows.y[index], rows.weight[index], config.mixup, generator)
            losses = F.binary_cross_entropy_with_logits(stack(x), y, weight, reduction="none").mean(-1)  # (G,)
            optimiser.zero_grad()
            losses.sum().backward()
            optimiser.step()
            schedule.step()
            stack.net.tokens.keep_only(group.mask)
            total += losses.detach().mean()
        history.append({"step": start + len(block), "loss": float(total) / len(block)})
        bar.update(len(block))
    return history, _sums_out_of_bag(stack, rows.x[sample], sample, bags)


def _takes_synthetic(group: _Group, config: ExpertsConfig) -> list[bool]:
    """Whether each expert learns from synthetic rows: all, or every second one of each combination of `VIEWS`."""
    return [not config.hedged or (expert + expert // len(VIEWS)) % 2 == 0 for expert in group.members.tolist()]


@torch.no_grad()
def _sums_out_of_bag(stack: MambaDetector, x: Tensor, sample: Tensor, bags: list[Tensor]) -> Tensor:
    not_drawn = torch.stack([~torch.isin(sample, bag) for bag in bags])  # (G, C)
    probability = torch.cat([torch.sigmoid(stack(part)) for part in x.split(CHUNK)], dim=1)  # (G, C)
    return torch.stack([not_drawn.sum(0), (not_drawn * probability).sum(0)]).cpu()


def _sample_of_real_rows(rows: TrainingRows, generator: torch.Generator) -> Tensor:
    """Numbers of at most `MAX_OUT_OF_BAG` rows of each class, `(C,)`."""
    normal, anomalous, _ = rows.kinds
    members = [mask.nonzero().flatten() for mask in (normal, anomalous)]
    device = rows.x.device
    shuffled = [rows_[torch.randperm(len(rows_), generator=generator, device=device)] for rows_ in members]
    return torch.cat([rows_[:MAX_OUT_OF_BAG] for rows_ in shuffled])


def _mean_out_of_bag(rows: TrainingRows, sample: Tensor, sums: list[Tensor]) -> OutOfBag:
    """Mean over the experts that had not drawn a row; rows that all have drawn are left out."""
    count, total = torch.stack(sums).sum(0)  # (C,) each
    y, weight = rows.y[sample].cpu(), rows.weight[sample].cpu()
    for mask, label in zip(rows.kinds, (0, 1), strict=False):
        weight[y == label] *= mask.sum().item() / max(1, int((y == label).sum()))
    known = count > 0
    arrays = (total[known] / count[known], y[known], weight[known])
    return OutOfBag(*(array.double().numpy() for array in arrays))


def _mean_over_experts(histories: list[History], groups: list[_Group]) -> History:
    """One history of the groups' histories, whose records are of the same steps."""
    sizes = [len(group.members) for group in groups]
    return [
        records[0] | {"loss": float(np.average([record["loss"] for record in records], weights=sizes))}
        for records in zip(*histories, strict=True)
    ]
