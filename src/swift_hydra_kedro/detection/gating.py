"""Training of the gate (eq. 4), first with the experts fixed, then together with them.

By default both phases distil: what is learnt is the mean of all experts as they were before, which is better
than any two of them. The mixture learns to give it with k experts per row; in the second phase each expert
also learns to give it by itself, above all on the rows that the gate sends to it. It can be asked for between
and around the training rows, too (mixup and noise), where labels say nothing. To follow the mean, an expert
may use the inputs that its subspace left out.
"""

from __future__ import annotations

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

EPSILON = 1e-6


def fit_mixture(
    committee: Committee,
    rows: TrainingRows,
    config: DetectionConfig,
    generator: torch.Generator,
    neighbourhood: Neighbourhood | None = None,
    progress: bool = False,
) -> tuple[MixtureOfExperts, list[dict[str, float | str]]]:
    """Train a gate over the experts, the first of the `committee`, and then both together.

    The rows are those described by their `neighbourhood`.

    Returns
    -------
    MixtureOfExperts
    list of dict
        One row per tenth of a phase: phase, step, loss, and the largest share of rows that one expert gets.
    """
    gate_config = config.gate
    with seeded_init(generator):
        gate = NoisyTopKGate(rows.x.shape[1], config.experts.n_experts, gate_config.top_k).to(rows.x.device)
    nn.init.zeros_(gate.score.weight)  # no preference to begin with: the noise gives every expert its turn
    mixture = MixtureOfExperts(committee.experts(config.experts.n_experts), gate, neighbourhood)
    teacher = committee.requires_grad_(False) if gate_config.distil else None
    phase = _Phase(mixture, teacher, rows, config, generator, progress)
    history = phase.run("gate", gate_config.training, gate)
    if gate_config.joint_training is not None:
        history += phase.run("joint", gate_config.joint_training, mixture)
    return mixture.eval(), history


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
        self.mixture, self.teacher, self.rows, self.config = mixture, teacher, rows, config
        self.generator, self.progress = generator, progress
        # the softmax over one score is constant: with a single expert per row the gate would never learn
        self.n_chosen = min(max(2, config.gate.top_k), config.experts.n_experts)

    def run(self, name: str, training: TrainingConfig, learner: nn.Module) -> list[dict[str, float | str]]:
        rows, generator = self.rows, self.generator
        n_steps = training.steps(int((~rows.synthetic).sum()))
        index = common_batches(rows, self.config.experts, training.batch_size, n_steps, generator)  # (steps, B)
        optimiser = torch.optim.Adam(learner.parameters(), lr=training.learning_rate, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, training.learning_rate, total_steps=n_steps)
        history: list[dict[str, float | str]] = []
        bar = tqdm(range(n_steps), desc=name, unit="step", disable=not self.progress)
        for step in bar:
            at = index[step]
            x, y, weight = mixup(rows.x[at], rows.y[at], rows.weight[at], self.config.experts.mixup, generator)
            loss, weights = self._loss(x, y, weight, with_experts=learner is self.mixture)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            if (step + 1) % max(1, n_steps // 10) == 0:
                share = float(weights.sum(0).max() / weights.sum())
                history.append({"phase": name, "step": step + 1, "loss": float(loss.detach()), "largest_share": share})
                bar.set_postfix(loss=f"{float(loss.detach()):.3f}", largest_share=f"{share:.2f}")
        return history

    def _loss(self, x: Tensor, y: Tensor, weight: Tensor, with_experts: bool) -> tuple[Tensor, Tensor]:
        """Loss of the gated probability and, if they learn too, of the experts' own; the gate's weights `(B, M)`."""
        config, gate = self.config.gate, self.mixture.gate
        if self.teacher is not None:
            x = self._jittered(x)
        with torch.set_grad_enabled(with_experts):
            each = self.mixture.all_probabilities(x)  # (M, B)
        if self.teacher is not None:
            with torch.no_grad():
                y = self.teacher(x)  # (B,)
        each = each.clamp(EPSILON, 1 - EPSILON)
        noise = torch.randn(len(x), len(each), generator=self.generator, device=x.device)
        kept, chosen = gate(x, noise, self.n_chosen)  # (B, k)
        mixed = (kept * each.T.gather(1, chosen)).sum(-1)  # (B,)
        loss = F.binary_cross_entropy(mixed, y, weight)
        spread = torch.zeros_like(each.T).scatter(1, chosen, kept)  # (B, M)
        importance = spread.sum(0)
        loss = loss + config.balance_weight * importance.var(correction=0) / importance.mean().square()
        if with_experts:
            share = (1 - config.focus) / len(each) + config.focus * spread.detach().T  # (M, B), sums to 1 over experts
            own = F.binary_cross_entropy(each, y.expand_as(each), share * weight, reduction="none")
            loss = loss + config.expert_weight * own.sum(0).mean()
        return loss, spread.detach()

    def _jittered(self, x: Tensor) -> Tensor:
        """Rows `(B, P)`, every second one with noise."""
        noise = torch.randn(x[::2].shape, generator=self.generator, device=x.device)
        x = x.clone()
        x[::2] += self.config.gate.jitter * noise
        return x
