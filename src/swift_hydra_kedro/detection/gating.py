"""Training of the gate (eq. 4), first with the experts fixed, then together with them.

By default both phases distil: what is learnt is the mean of all experts as they were before, which is better
than any two of them. The mixture learns to give it with k experts per row; in the second phase each expert
also learns to give it by itself, above all on the rows that the gate sends to it. It can be asked for between
and around the training rows, too (mixup and noise), where labels say nothing. To follow the mean, an expert
may use the inputs that its subspace left out.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from swift_hydra_kedro.config import DetectionConfig, TrainingConfig
from swift_hydra_kedro.detection.rows import TrainingRows, common_batches
from swift_hydra_kedro.models.batches import mixup
from swift_hydra_kedro.models.committee import Committee
from swift_hydra_kedro.models.layers import seeded_init
from swift_hydra_kedro.models.mome import MixtureOfExperts, NoisyTopKGate
from swift_hydra_kedro.models.neighbours import Neighbourhood
from swift_hydra_kedro.models.runtime import at_once, in_threads, narrow_threads

EPSILON = 1e-6
BLOCK = 50
PART = 20
CHUNK = 256
BALANCED = 256


def fit_mixture(
    committee: Committee,
    rows: TrainingRows,
    config: DetectionConfig,
    generator: torch.Generator,
    neighbourhood: Neighbourhood | None = None,
    progress: bool = False,
    earlier: MixtureOfExperts | None = None,
) -> tuple[MixtureOfExperts, list[dict[str, float | str]]]:
    """Train a gate over the experts, the first of the `committee`, and then both together.

    An `earlier` mixture that sees the same features goes on from where it was.

    The rows are those that the committee sees. The mixture sees what neighbours say of them if it gets their
    `neighbourhood`, and without learns to give the same answers by the other features alone.

    Returns
    -------
    MixtureOfExperts
    list of dict
        One row per tenth of a phase: phase, step, loss, and the largest share that one expert has in the training rows.
    """
    gate_config = config.gate
    n_features = rows.x.shape[1] - (rows.n_described if neighbourhood is None else 0)
    with seeded_init(generator):
        gate = NoisyTopKGate(n_features, config.experts.n_experts, gate_config.top_k).to(rows.x.device)
    nn.init.zeros_(gate.score.weight)  # no preference to begin with: the noise gives every expert its turn
    mixture = MixtureOfExperts(committee.experts(config.experts.n_experts, n_features), gate, neighbourhood)
    share = 1.0
    if earlier is not None and earlier.experts.encoding.n_features == n_features:
        mixture.experts.load_state_dict(earlier.experts.state_dict())
        committee.lend_additive(mixture.experts)
        gate.load_state_dict(earlier.gate.state_dict())
        share = config.experts.continued
    teacher = committee if gate_config.distil else None
    phase = _Phase(mixture, teacher, rows, config, generator, progress)
    history = phase.run("gate", gate_config.training, gate, share)
    if gate_config.joint_training is not None:
        history += phase.run("joint", gate_config.joint_training, mixture, share)
    return mixture.eval(), history


@dataclass(frozen=True)
class _Batch:
    """Rows `x (B, P)` as the mixture sees them, what is to be learnt of them, `y (B,)`, and `weight (B,)`."""

    x: Tensor
    y: Tensor
    weight: Tensor


class _Phase:
    """The loop that both phases share; they differ in what is trained: the gate, or the mixture."""

    def __init__(
        self,
        mixture: MixtureOfExperts,
        teacher: Committee | None,
        rows: TrainingRows,
        config: DetectionConfig,
        generator: torch.Generator,
        progress: bool,
    ) -> None:
        self.mixture, self.rows, self.config = mixture, rows, config
        self.teacher = (
            [] if teacher is None else teacher.parts(PART if rows.x.device.type == "cpu" else len(teacher.weight))
        )
        self.real = (~rows.synthetic).nonzero().flatten()
        self.n_features = mixture.experts.encoding.n_features  # that the mixture sees; the teacher sees all
        self.generator, self.progress = generator, progress
        # the softmax over one score is constant: with a single expert per row the gate would never learn
        self.n_chosen = min(max(2, config.gate.top_k), config.experts.n_experts)

    def run(
        self, name: str, training: TrainingConfig, learner: nn.Module, share: float
    ) -> list[dict[str, float | str]]:
        n_steps = math.ceil(share * training.steps(len(self.real)))
        optimiser = torch.optim.Adam(learner.parameters(), lr=training.learning_rate, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, training.learning_rate, total_steps=n_steps)
        history: list[dict[str, float | str]] = []
        batches = islice(self._batches(training.batch_size, n_steps), n_steps)
        bar = tqdm(batches, name, n_steps, unit="step", disable=not self.progress)
        for step, batch in enumerate(bar, start=1):
            with narrow_threads(batch.x.shape[1]):  # not around the loop: the teacher takes as many as torch has
                shares = self._shares()
                loss = self._loss(batch, with_experts=learner is self.mixture)
                loss = loss + self.config.gate.balance_weight * _squared_variation(shares)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
            if step % max(1, n_steps // 10) == 0:
                record = {"loss": float(loss.detach()), "largest_share": float(shares.detach().max())}
                history.append({"phase": name, "step": step, **record})
                bar.set_postfix({key: f"{value:.3f}" for key, value in record.items()})
        return history

    def _batches(self, size: int, n_steps: int) -> Iterator[_Batch]:
        """Batches of `size` rows, a block of them drawn at once.

        What a teacher says of a row is learnt as often as the configuration says, each time among others.
        """
        repeats = self.config.gate.repeats if self.teacher else 1
        index = common_batches(self.rows, self.config.experts, size, math.ceil(n_steps / repeats), self.generator)
        for block in index.split(BLOCK):
            x, y, weight = map(torch.stack, zip(*map(self._draw, block), strict=True))  # (steps, B, ...)
            if self.teacher:
                y = self._ask_teacher(x.flatten(0, 1)).view_as(y)
            x = x[..., : self.n_features]
            for _ in range(repeats):
                order = torch.rand(y.shape, generator=self.generator, device=y.device).argsort(dim=0)
                for place in order:
                    at = (place, torch.arange(size, device=y.device))
                    yield _Batch(x[at], y[at], weight[at])

    def _draw(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Rows `index (B,)` mixed with each other, labels and weights; for a teacher, every second with noise.

        From none to much: new anomalies may lie far from all rows that there are to learn from.
        """
        rows = self.rows
        x, y, weight = mixup(
            rows.x[index], rows.y[index], rows.weight[index], self.config.experts.mixup, self.generator
        )
        if self.teacher:
            noise = torch.randn(x[::2].shape, generator=self.generator, device=x.device)
            scale = torch.rand(len(noise), 1, generator=self.generator, device=x.device)
            x[::2] += self.config.gate.jitter * scale * noise
        return x, y, weight

    def _ask_teacher(self, x: Tensor) -> Tensor:
        """What the committee says of rows, `(B, P)` -> `(B,)`; its parts answer side by side."""

        def ask(part: Committee, stop: threading.Event) -> Tensor:
            with torch.no_grad():  # the mode is the thread's own
                return torch.cat([part(rows) for rows in x.split(at_once(CHUNK, x.device)) if not stop.is_set()])

        return torch.stack(in_threads([partial(ask, part) for part in self.teacher], x.device)).sum(0)

    def _loss(self, batch: _Batch, with_experts: bool) -> Tensor:
        """Loss of the gated probability and, if they learn too, of the experts' own."""
        config, x, y, weight = self.config.gate, batch.x, batch.y, batch.weight
        with torch.set_grad_enabled(with_experts):
            each = self.mixture.all_probabilities(x).clamp(EPSILON, 1 - EPSILON)  # (M, B)
        noise = torch.randn(len(x), len(each), generator=self.generator, device=x.device)
        kept, chosen = self.mixture.gate(x, noise, self.n_chosen)  # (B, k)
        mixed = (kept * each.T.gather(1, chosen)).sum(-1)  # (B,)
        loss = F.binary_cross_entropy(mixed, y, weight)
        if with_experts:
            spread = self._spread(kept.detach(), chosen)  # (B, M)
            share = (1 - config.focus) / len(each) + config.focus * spread.T  # (M, B), sums to 1 over experts
            own = F.binary_cross_entropy(each, y.expand_as(each), share * weight, reduction="none")
            loss = loss + config.expert_weight * own.sum(0).mean()
        return loss

    def _shares(self) -> Tensor:
        """Share of the training rows that each expert gets, `(M,)`, of a sample of them as they come and without noise.

        Batches hold as many anomalies as normal rows, and noise deals out rows that are alike: experts with as much to
        do as others there may have all or nothing to do in use.
        """
        index = torch.randint(len(self.real), (BALANCED,), generator=self.generator, device=self.real.device)
        kept, chosen = self.mixture.gate(
            self.rows.x[self.real[index], : self.n_features], top_k=self.n_chosen
        )  # (S, k)
        return self._spread(kept, chosen).mean(0)

    def _spread(self, kept: Tensor, chosen: Tensor) -> Tensor:
        """Weights `kept (B, k)` of the experts `chosen (B, k)` among those of all experts, `(B, M)`."""
        return kept.new_zeros(len(kept), self.config.experts.n_experts).scatter(1, chosen, kept)


def _squared_variation(shares: Tensor) -> Tensor:
    """Squared coefficient of variation."""
    return shares.var(correction=0) / shares.mean().square()
