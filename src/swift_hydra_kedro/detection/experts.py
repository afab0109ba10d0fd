"""Training of all experts (section 3.2).

The experts are made to differ, so that their mean is better than any of them: each leans towards its
cluster, learns from its own bootstrap sample, and sees a random part of the features in some of their views; half
of them see what a row's neighbours say of it.

They are trained as two stacks or more, side by side: experts that see no bins need not wait for them to be computed.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from swift_hydra_kedro.config import ExpertsConfig
from swift_hydra_kedro.detection.continuation import Earlier
from swift_hydra_kedro.detection.rows import (
    Bag,
    TrainingRows,
    blur_described,
    draw_bags,
    expert_batches,
    noise_of_described,
    pools,
)
from swift_hydra_kedro.detection.stacking import Opinions, additive_share, network_weights
from swift_hydra_kedro.models.batches import mixup
from swift_hydra_kedro.models.calibration import OutOfBag
from swift_hydra_kedro.models.committee import Committee
from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.encoding import ALL_VIEWS, NORMAL, PIECEWISE, SCALED, PiecewiseLinearEncoding
from swift_hydra_kedro.models.layers import fork, seeded_init
from swift_hydra_kedro.models.runtime import in_threads

RECORDS = 25
GROUP = 10
CHUNK = 2048
MAX_OUT_OF_BAG = 5000
VIEWS = ((SCALED, NORMAL), (SCALED, PIECEWISE), (SCALED, PIECEWISE, NORMAL), (SCALED,))  # of experts in turn

History = list[dict[str, float]]
Said = tuple[np.ndarray, np.ndarray]
Views = Sequence[int]


class TrainedCommittee(NamedTuple):
    """What comes out of the training of C networks.

    Attributes
    ----------
    committee : the more say a network has, the better it ranks rows that it has not drawn
    history : one row per record: step, and the training loss since the last one (mean over steps and members)
    out_of_bag : what the committee says of real rows, without the members that have drawn a row; no rows without
        `bootstrap`
    drawn : which of the N real rows each network has drawn, `(C, N)`
    """

    committee: Committee
    history: History
    out_of_bag: OutOfBag
    drawn: np.ndarray


def fit_experts(
    rows: TrainingRows,
    cluster_of_member: np.ndarray,
    encoding: PiecewiseLinearEncoding,
    config: ExpertsConfig,
    generator: torch.Generator,
    progress: bool = False,
    name: str = "experts",
    earlier: Earlier | None = None,
) -> TrainedCommittee:
    """Train C networks alike, one for each of `cluster_of_member (C,)`, on as many threads as torch has.

    The first of them are to be the experts. `name` stands at the progress bar. With `earlier` they go on from where
    they were, each with the rows that it had drawn and some of the new ones.
    """
    n_members = len(cluster_of_member)
    sample = _sample_of_real_rows(rows, generator)
    if earlier is None:
        groups = list(_groups(n_members, rows, encoding, config, generator))
    else:
        groups = list(_groups_of(earlier, rows, config, generator))
    n_steps = config.training.steps(int((~rows.synthetic).sum()))
    if earlier is not None:
        n_steps = math.ceil(config.continued * n_steps)
    with tqdm(total=n_steps * len(groups), desc=name, unit="step", disable=not progress) as bar:
        tasks = [partial(_fit_group, group, rows, sample, cluster_of_member, config, n_steps, bar) for group in groups]
        trained = in_threads(tasks, rows.x.device)
    with seeded_init(generator):
        members = MambaDetector(encoding, config.mamba, (n_members,)).to(rows.x.device)
    for inputs in members.net.input_weights:
        inputs.zero_()
    for group in groups:
        members.take_over(group.stack, group.members)
    history = _mean_over_members([history for history, _ in trained], groups)
    opinions = _share_out(members, _opinions(rows, sample, groups, [said for _, said in trained]))
    weight = network_weights(opinions, config.selectivity)
    committee = Committee(members, torch.as_tensor(weight, dtype=rows.x.dtype, device=rows.x.device))
    out_of_bag = opinions.mean(weight, blind=~sees_neighbours(np.arange(n_members)))
    return TrainedCommittee(committee, history, out_of_bag, _drawn(rows, groups))


@dataclass(frozen=True)
class _Group:
    """Members that learn as one stack.

    Their numbers `members (G,)`, the `stack` of them, the inputs that each sees, `mask (G, F)`, the rows that each
    learns from, `bags`, and the generator that everything else that is random in their training comes from.
    """

    members: Tensor
    stack: MambaDetector
    mask: Tensor
    bags: list[Bag]
    generator: torch.Generator


def _groups(
    n_members: int,
    rows: TrainingRows,
    encoding: PiecewiseLinearEncoding,
    config: ExpertsConfig,
    generator: torch.Generator,
) -> Iterator[_Group]:
    """New members, and what each draws."""
    for members, views in _alike(n_members, config, rows.x.device):
        own, seen = fork(generator), encoding.part(views)
        with seeded_init(own):
            stack = MambaDetector(seen, config.mamba, (len(members),)).to(rows.x.device)
        mask = _input_mask(members, seen, rows.n_described, config, own)
        yield _Group(members, stack, mask, draw_bags(rows, len(members), config.bootstrap, own), own)


def _groups_of(
    earlier: Earlier, rows: TrainingRows, config: ExpertsConfig, generator: torch.Generator
) -> Iterator[_Group]:
    """Members as they were, with what each had drawn, and its part of the new rows."""
    drawn = earlier.drawn_now(rows, generator) if config.bootstrap else None
    for members, views in _alike(len(earlier.drawn), config, rows.x.device):
        own, stack = fork(generator), earlier.committee.members.part(members, views)
        bags = draw_bags(rows, len(members), config.bootstrap, own, None if drawn is None else drawn[members])
        yield _Group(members, stack, stack.net.inputs_seen(), bags, own)


def _alike(n_members: int, config: ExpertsConfig, device: torch.device) -> Iterator[tuple[Tensor, Views]]:
    """Part the members by whether they see bins, so that the others are spared them; on a CPU also by `GROUP`."""
    size = GROUP if device.type == "cpu" else n_members
    for sees_bins in (True, False):
        alike = [e for e in range(n_members) if (PIECEWISE in VIEWS[e % len(VIEWS)]) == sees_bins]
        views = ALL_VIEWS if sees_bins or not config.mixed_views else (SCALED, NORMAL)
        for start in range(0, len(alike), size):
            yield torch.tensor(alike[start : start + size], device=device), views


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
        features = F.pad(own_order < n_seen, (0, n_described), value=bool(sees_neighbours(expert)))  # (P,)
        mask = features[encoding.feature_of_output]
        if config.mixed_views:
            mask = mask & torch.isin(encoding.view_of_output, torch.tensor(views, device=mask.device))
        masks.append(mask.float())
    return torch.stack(masks)


def _fit_group(
    group: _Group,
    rows: TrainingRows,
    sample: Tensor,
    cluster_of_member: np.ndarray,
    config: ExpertsConfig,
    n_steps: int,
    bar: tqdm,
    stop: threading.Event,
) -> tuple[History, Said]:
    """Train the stack of a group in place, until it is done or told to `stop`.

    Returns the history and, for the rows `sample (S,)`, which members have not drawn them, `(G, S)`, and the
    probabilities that each gives by each path, `(paths, G, S)`.
    """
    stack, generator, clusters = group.stack, group.generator, cluster_of_member[group.members.cpu().numpy()]
    own = [pools(rows, bag, int(cluster)) for bag, cluster in zip(group.bags, clusters, strict=True)]
    stack.net.keep_only(group.mask)
    noise = noise_of_described(rows, config)
    every = max(1, n_steps // RECORDS)
    optimiser = torch.optim.Adam(_parameter_groups(rows, stack, config), fused=True)
    peaks = [part["lr"] for part in optimiser.param_groups]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, peaks, total_steps=n_steps)
    history: History = []
    for start in range(0, n_steps, every):
        block = expert_batches(own, config, min(every, n_steps - start), generator, start)  # (steps, G, B)
        total = torch.zeros((), device=rows.x.device)
        for index in block:
            if stop.is_set():
                return history, (np.zeros((0, len(sample)), bool), np.zeros((0, 0, len(sample))))
            x, y, weight = mixup(rows.x[index], rows.y[index], rows.weight[index], config.mixup, generator)
            x = blur_described(x, rows.n_described, noise, generator)
            losses = _losses(stack, x, y, weight)  # (G,)
            optimiser.zero_grad()
            losses.sum().backward()
            optimiser.step()
            schedule.step()
            stack.net.keep_only(group.mask)
            total += losses.detach().mean()
        history.append({"step": start + len(block), "loss": float(total) / len(block)})
        bar.update(len(block))
    return history, _ask(stack, rows.x[sample], sample, group.bags)


def sees_neighbours(network: np.ndarray | int) -> np.ndarray:
    """Whether networks of these numbers see what neighbours say: those without bins."""
    return np.array([PIECEWISE not in views for views in VIEWS])[network % len(VIEWS)]


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


@torch.no_grad()
def _ask(stack: MambaDetector, x: Tensor, sample: Tensor, bags: list[Bag]) -> Said:
    not_drawn = torch.stack([~torch.isin(sample, bag.rows) for bag in bags])  # (G, S)
    logits = torch.cat([torch.stack(stack.paths(part)) for part in x.split(CHUNK)], dim=-1)  # (paths, G, S)
    return not_drawn.cpu().numpy(), torch.sigmoid(logits).cpu().numpy()


def _sample_of_real_rows(rows: TrainingRows, generator: torch.Generator) -> Tensor:
    """Numbers of at most `MAX_OUT_OF_BAG` rows of each class, `(S,)`."""
    normal, anomalous, _ = rows.kinds
    members = [mask.nonzero().flatten() for mask in (normal, anomalous)]
    device = rows.x.device
    shuffled = [rows_[torch.randperm(len(rows_), generator=generator, device=device)] for rows_ in members]
    return torch.cat([rows_[:MAX_OUT_OF_BAG] for rows_ in shuffled])


def _opinions(rows: TrainingRows, sample: Tensor, groups: list[_Group], said: list[Said]) -> list[Opinions]:
    """What all members say of the rows `sample (S,)`, by each path."""
    y, weight = rows.y[sample].cpu().numpy(), rows.weight[sample].double().cpu().numpy()
    for mask, label in zip(rows.kinds, (0, 1), strict=False):
        weight[y == label] *= mask.sum().item() / max(1, int((y == label).sum()))
    order = torch.cat([group.members for group in groups]).argsort().cpu().numpy()
    not_drawn = np.concatenate([part for part, _ in said])[order]
    paths = np.concatenate([part for _, part in said], axis=1)[:, order]  # (paths, C, S)
    return [Opinions(path.astype(float), not_drawn, y, weight) for path in paths]


def _drawn(rows: TrainingRows, groups: list[_Group]) -> np.ndarray:
    """Which of the N real rows each member has drawn, `(C, N)`."""
    real = (~rows.synthetic).nonzero().flatten()
    order = torch.cat([group.members for group in groups]).argsort()
    drawn = torch.stack([torch.isin(real, bag.rows) for group in groups for bag in group.bags])
    return drawn[order].cpu().numpy()


def _share_out(members: MambaDetector, paths: list[Opinions]) -> Opinions:
    """Give the additive path the share that it has earned; what the members then say."""
    if members.config.additive is None:
        return paths[0]
    deep, additive = paths
    even = np.ones(len(deep.probability))
    share = additive_share(deep.mean(even), additive.mean(even), members.config.additive)
    members.net.additive_share.fill_(share)
    return deep.joined(additive, share)


def _mean_over_members(histories: list[History], groups: list[_Group]) -> History:
    """One history of the groups' histories, whose records are of the same steps."""
    sizes = [len(group.members) for group in groups]
    return [
        records[0] | {"loss": float(np.average([record["loss"] for record in records], weights=sizes))}
        for records in zip(*histories, strict=True)
    ]
