"""Training of the gate (eq. 4), first with the experts fixed, then together with them.

In the second phase the experts also learn from the mean of all of them as they were before, on mixed
rows: any two then come close to the whole ensemble, which is what makes top-2 enough. To follow that
mean, an expert may use the features that its subspace left out.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from swift_hydra_kedro.config import DetectionConfig, TrainingConfig
from swift_hydra_kedro.detection.rows import TrainingRows, common_batches
from swift_hydra_kedro.models.batches import mixup
from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.layers import seeded_init
from swift_hydra_kedro.models.mome import MixtureOfExperts, NoisyTopKGate


def fit_mixture(
    experts: MambaDetector,
    rows: TrainingRows,
    config: DetectionConfig,
    generator: torch.Generator,
    progress: bool = False,
) -> tuple[MixtureOfExperts, list[dict[str, float | str]]]:
    """Train a gate over `experts`, then gate and experts together.

    Returns
    -------
    MixtureOfExperts
    list of dict
        One row per tenth of a phase: phase, step, loss, and the largest share of rows that one expert gets.
    """
    gate_config = config.gate
    with seeded_init(generator):
        gate = NoisyTopKGate(rows.x.shape[1], config.experts.n_experts, gate_config.top_k).to(rows.x.device)
    mixture = MixtureOfExperts(experts, gate)
    phase = _Phase(mixture, rows, config, generator, progress)
    history = phase.run("gate", gate_config.training, list(gate.parameters()), teacher=None)
    if gate_config.joint_training is not None:
        teacher = copy.deepcopy(mixture)
        history += phase.run("joint", gate_config.joint_training, list(mixture.parameters()), teacher)
    return mixture.eval(), history


class _Phase:
    """The loop that both phases share; they differ in what is trained and in whether there is a teacher."""

    def __init__(
        self,
        mixture: MixtureOfExperts,
        rows: TrainingRows,
        config: DetectionConfig,
        generator: torch.Generator,
        progress: bool,
    ) -> None:
        self.mixture, self.rows, self.config = mixture, rows, config
        self.generator, self.progress = generator, progress
        # the softmax over one score is constant: with a single expert per row the gate would never learn
        self.n_chosen = min(max(2, config.gate.top_k), config.experts.n_experts)

    def run(
        self, name: str, training: TrainingConfig, parameters: list[Tensor], teacher: MixtureOfExperts | None
    ) -> list[dict[str, float | str]]:
        rows, generator = self.rows, self.generator
        n_steps = training.steps(int((~rows.synthetic).sum()))
        index = common_batches(rows, self.config.experts, training.batch_size, n_steps, generator)  # (steps, B)
        optimiser = torch.optim.Adam(parameters, lr=training.learning_rate, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, training.learning_rate, total_steps=n_steps)
        history: list[dict[str, float | str]] = []
        bar = tqdm(range(n_steps), desc=name, unit="step", disable=not self.progress)
        for step in bar:
            at = index[step]
            x, y, weight = mixup(rows.x[at], rows.y[at], rows.weight[at], self.config.experts.mixup, generator)
            loss, weights = self._loss(x, y, weight, teacher)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            if (step + 1) % max(1, n_steps // 10) == 0:
                share = float(weights.sum(0).max() / weights.sum())
                history.append({"phase": name, "step": step + 1, "loss": float(loss.detach()), "largest_share": share})
                bar.set_postfix(loss=f"{float(loss.detach()):.3f}", largest_share=f"{share:.2f}")
        return history

    def _loss(self, x: Tensor, y: Tensor, weight: Tensor, teacher: MixtureOfExperts | None) -> tuple[Tensor, Tensor]:
        """Loss of the gated probability, plus the experts' distance from the teacher's mean; and the gate's weights."""
        with torch.set_grad_enabled(teacher is not None):
            each = self.mixture.all_probabilities(x)  # (M, B)
        gate = self.mixture.gate
        noise = torch.randn(len(x), len(each), generator=self.generator, device=x.device)
        kept, chosen = gate(x, noise, self.n_chosen)  # (B, k)
        mixed = (kept * each.T.gather(1, chosen)).sum(-1).clamp(1e-6, 1 - 1e-6)
        loss = F.binary_cross_entropy(mixed, y, weight)
        spread = torch.zeros_like(each.T).scatter(1, chosen, kept)  # (B, M)
        importance = spread.sum(0)
        loss = loss + self.config.gate.balance_weight * importance.var(correction=0) / importance.mean().square()
        if teacher is not None:
            with torch.no_grad():
                target = teacher.all_probabilities(x).mean(0)  # (B,)
            consensus = F.binary_cross_entropy(
                each.clamp(1e-6, 1 - 1e-6), target.expand_as(each), weight.expand_as(each)
            )
            loss = loss + self.config.gate.consensus_weight * consensus
        return loss, spread.detach()
