"""Training of the C-VAE and of the single detector, from scratch or a little further (lines 4 and 5 of algorithm 1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from swift_hydra_kedro.config import BalancedTrainingConfig
from swift_hydra_kedro.models.batches import batches, trim
from swift_hydra_kedro.models.cvae import CVAE
from swift_hydra_kedro.models.detector import MambaDetector

EVALUATIONS = 20


@dataclass(frozen=True)
class LabelledRows:
    """Scaled rows `x (N, P)` with labels `y (N,)` in {0, 1} and weights `weight (N,)`."""

    x: Tensor
    y: Tensor
    weight: Tensor

    @classmethod
    def from_arrays(cls, x: np.ndarray, y: np.ndarray, weight: np.ndarray, device: torch.device) -> LabelledRows:
        """Arrays as tensors on `device`; weights are scaled to a mean of 1."""
        arrays = (x, y, weight / weight.mean())
        return cls(*(torch.tensor(array, dtype=torch.float32, device=device) for array in arrays))

    def __getitem__(self, rows: Tensor) -> LabelledRows:
        return LabelledRows(self.x[rows], self.y[rows], self.weight[rows])

    def with_anomalies(self, x: Tensor) -> LabelledRows:
        """The rows with anomalies `x (g, P)` of weight 1 behind them."""
        ones = x.new_ones(len(x))
        return LabelledRows(torch.cat([self.x, x]), torch.cat([self.y, ones]), torch.cat([self.weight, ones]))

    @property
    def anomalies(self) -> Tensor:
        """Scaled rows of the anomalies."""
        return self.x[self.y > 0.5]

    @property
    def normals(self) -> Tensor:
        """Scaled rows of the others."""
        return self.x[self.y <= 0.5]


def fit_cvae(
    cvae: CVAE, rows: LabelledRows, training: BalancedTrainingConfig, generator: torch.Generator, progress: bool = False
) -> list[dict[str, float]]:
    """Train `cvae` in place on all rows; return the loss about `EVALUATIONS` times along the way."""

    def loss(batch: LabelledRows) -> Tensor:
        noise = torch.randn(len(batch.y), cvae.config.latent_size, generator=generator, device=batch.x.device)
        return cvae.loss(batch.x, batch.y, noise)

    return list(_train(cvae, rows, training, loss, generator, progress, "C-VAE"))


def fit_detector(
    detector: MambaDetector,
    rows: LabelledRows,
    held_out: LabelledRows | None,
    training: BalancedTrainingConfig,
    generator: torch.Generator,
    progress: bool = False,
) -> list[dict[str, float]]:
    """Train `detector` in place and keep its best state on the rows held out, if there are any.

    Balanced training draws both classes evenly into every batch, from all rows; otherwise the
    detector sees `Trim(rows)`, drawn once, as algorithm 1 has it.
    """

    def loss(batch: LabelledRows) -> Tensor:
        return F.binary_cross_entropy_with_logits(detector(batch.x), batch.y, reduction="none")

    if not training.balanced:
        rows = rows[trim(rows.y, generator)]
    history = []
    best_loss, best_state = float("inf"), None
    for record in _train(detector, rows, training, loss, generator, progress, "detector"):
        if held_out is not None:
            record["held_out_loss"] = balanced_loss(detector, held_out)
            if record["held_out_loss"] < best_loss:
                best_loss = record["held_out_loss"]
                best_state = {name: value.clone() for name, value in detector.state_dict().items()}
        history.append(record)
    if best_state is not None:
        detector.load_state_dict(best_state)
    return history


@torch.no_grad()
def balanced_loss(detector: MambaDetector, rows: LabelledRows) -> float:
    """Mean over the two classes of their weighted mean cross-entropy."""
    losses = F.binary_cross_entropy_with_logits(detector(rows.x), rows.y, reduction="none")
    sides = [(rows.weight * (rows.y == label)) for label in (0, 1)]
    return float(sum((losses * side).sum() / side.sum() for side in sides) / 2)


def _train(
    model: nn.Module,
    rows: LabelledRows,
    training: BalancedTrainingConfig,
    loss_per_row: Callable[[LabelledRows], Tensor],
    generator: torch.Generator,
    progress: bool,
    name: str,
) -> Iterator[dict[str, float]]:
    """Adam steps; yields step and mean loss since the last yield about `EVALUATIONS` times."""
    n_steps = training.steps(len(rows.y))
    every = max(1, n_steps // EVALUATIONS)
    optimiser = torch.optim.Adam(model.parameters(), lr=training.learning_rate, fused=True)
    index = batches(rows.y, n_steps, training.batch_size, training.balanced, generator)  # (steps, B)
    recent: list[Tensor] = []
    bar = tqdm(range(n_steps), desc=name, unit="step", disable=not progress)
    model.train()
    for step in bar:
        batch = rows[index[step]]
        loss = (loss_per_row(batch) * batch.weight).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        recent.append(loss.detach())
        if (step + 1) % every == 0 or step + 1 == n_steps:
            mean = float(torch.stack(recent).mean())
            bar.set_postfix(loss=f"{mean:.3f}")
            recent.clear()
            yield {"step": step + 1, "loss": mean}
    model.eval()
