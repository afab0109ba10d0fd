"""Training of all experts (section 3.2).

The experts are made to differ, so that their mean is better than any of them: each leans towards its
cluster, learns from its own bootstrap sample, and sees a random part of the features in some of their views; half
of them see what a row's neighbours say of it, and half learn from synthetic anomalies, too.

They are trained as two stacks or more, side by side: experts that see no bins need not wait for them to be computed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from swift_hydra_kedro.config import ExpertsConfig
from swift_hydra_kedro.detection.rows import TrainingRows, draw_bags, expert_batches
from swift_hydra_kedro.detection.stacking import additive_share
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
    for weight in experts.net.input_weights:
        weight.zero_()
    for group in groups:
        experts.take_over(group.stack, group.members)
    history = _mean_over_experts([history for history, _ in trained], groups)
    out_of_bag = _share_out(experts, _out_of_bag_paths(rows, sample, [sums for _, sums in trained]))
    return experts, history, out_of_bag


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

    Returns the history and, for the rows `sample (C,)`, how many experts had not drawn them and the sums of the
    probabilities that these give by each path, `(1 + paths, C)`.
    """
    stack, generator, clusters = group.stack, group.generator, cluster_of_expert[group.members.cpu().numpy()]
    stack.net.keep_only(group.mask)
    bags = draw_bags(rows, _takes_synthetic(group, config), config.bootstrap, generator)
    every = max(1, n_steps // RECORDS)
    optimiser = torch.optim.Adam(_parameter_groups(rows, stack, config), fused=True)
    peaks = [part["lr"] for part in optimiser.param_groups]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, peaks, total_steps=n_steps)
    history: History = []
    for start in range(0, n_steps, every):
        block = expert_batches(rows, bags, clusters, config, min(every, n_steps - start), generator)  # (steps, G, B)
        total = torch.zeros((), device=rows.x.device)
        for index in block:
            if stop.is_set():
                return history, torch.zeros(0, len(sample))
            x, y, weight = mixup(rows.x[index], rows.y[index], rows.weight[index], config.mixup, generator)
            losses = _losses(stack, x, y, weight)  # (G,)
            optimiser.zero_grad()
            losses.sum().backward()
            optimiser.step()
            schedule.step()
            stack.net.keep_only(group.mask)
            total += losses.detach().mean()
        history.append({"step": start + len(block), "loss": float(total) / len(block)})
        bar.update(len(block))
    return history, _sums_out_of_bag(stack, rows.x[sample], sample, bags)


def _parameter_groups(rows: TrainingRows, stack: MambaDetector, config: ExpertsConfig) -> list[dict[str, Any]]:
    """The blocks' weights, and those of the additive path, which alone is held small, the less the more rows."""
    path, additive = stack.net.additive, config.mamba.additive
    if path is None or additive is None:
        return [{"params": list(stack.parameters()), "lr": config.training.learning_rate}]
    own = {id(weight) for weight in path.parameters()}
    others = [weight for weight in stack.parameters() if id(weight) not in own]
    penalty = additive.penalty / int((~rows.synthetic).sum())
    return [
        {"params": others, "lr": config.training.learning_rate},
        {"params": list(path.parameters()), "lr": additive.learning_rate, "weight_decay": penalty},
    ]


def _losses(stack: MambaDetector, x: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """Mean loss of each expert, `(G,)`: its paths learn apart, so that neither leaves to the other what it could do."""
    losses = [F.binary_cross_entropy_with_logits(path, y, weight, reduction="none") for path in stack.paths(x)]
    return torch.stack(losses).sum(0).mean(-1)


def _takes_synthetic(group: _Group, config: ExpertsConfig) -> list[bool]:
    """Whether each expert learns from synthetic rows: all, or every second one of each combination of `VIEWS`."""
    return [not config.hedged or (expert + expert // len(VIEWS)) % 2 == 0 for expert in group.members.tolist()]


@torch.no_grad()
def _sums_out_of_bag(stack: MambaDetector, x: Tensor, sample: Tensor, bags: list[Tensor]) -> Tensor:
    not_drawn = torch.stack([~torch.isin(sample, bag) for bag in bags])  # (G, C)
    logits = torch.cat([torch.stack(stack.paths(part)) for part in x.split(CHUNK)], dim=-1)  # (paths, G, C)
    sums = (not_drawn * torch.sigmoid(logits)).sum(1)  # (paths, C)
    return torch.cat([not_drawn.sum(0, keepdim=True), sums]).cpu()


def _sample_of_real_rows(rows: TrainingRows, generator: torch.Generator) -> Tensor:
    """Numbers of at most `MAX_OUT_OF_BAG` rows of each class, `(C,)`."""
    normal, anomalous, _ = rows.kinds
    members = [mask.nonzero().flatten() for mask in (normal, anomalous)]
    device = rows.x.device
    shuffled = [rows_[torch.randperm(len(rows_), generator=generator, device=device)] for rows_ in members]
    return torch.cat([rows_[:MAX_OUT_OF_BAG] for rows_ in shuffled])


def _out_of_bag_paths(rows: TrainingRows, sample: Tensor, sums: list[Tensor]) -> list[OutOfBag]:
    """By each path the mean over the experts that had not drawn a row; rows that all have drawn are left out."""
    count, *totals = torch.stack(sums).sum(0)  # (C,) each
    y, weight = rows.y[sample].cpu(), rows.weight[sample].cpu()
    for mask, label in zip(rows.kinds, (0, 1), strict=False):
        weight[y == label] *= mask.sum().item() / max(1, int((y == label).sum()))
    known = count > 0
    known_rows = [(total[known] / count[known], y[known], weight[known]) for total in totals]
    return [OutOfBag(*(array.double().numpy() for array in arrays)) for arrays in known_rows]


def _share_out(experts: MambaDetector, paths: list[OutOfBag]) -> OutOfBag:
    """Give the additive path the share that it has earned; what the experts then say."""
    if experts.config.additive is None:
        return paths[0]
    deep, additive = paths
    share = additive_share(deep, additive, experts.config.additive)
    experts.net.additive_share.fill_(share)
    return replace(deep, probability=(1 - share) * deep.probability + share * additive.probability)


def _mean_over_experts(histories: list[History], groups: list[_Group]) -> History:
    """One history of the groups' histories, whose records are of the same steps."""
    sizes = [len(group.members) for group in groups]
    return [
        records[0] | {"loss": float(np.average([record["loss"] for record in records], weights=sizes))}
        for records in zip(*histories, strict=True)
    ]
