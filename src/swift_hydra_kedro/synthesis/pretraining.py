"""Pretraining of the C-VAE and of the single detector (line 1 of algorithm 1, table 2)."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import torch

from swift_hydra_kedro.config import PretrainingConfig
from swift_hydra_kedro.models.cvae import CVAE
from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.encoding import PiecewiseLinearEncoding
from swift_hydra_kedro.models.fitting import LabelledRows, fit_cvae, fit_detector
from swift_hydra_kedro.models.layers import seeded_init
from swift_hydra_kedro.models.runtime import narrow_threads, stage_generators

logger = logging.getLogger(__name__)


def hold_out(rows: LabelledRows, share: float, seed: int) -> tuple[LabelledRows, LabelledRows | None]:
    """Set a stratified share of the training rows apart to judge the detector on.

    With too few rows of a class to spare one, nothing is held out.
    """
    generator = stage_generators(seed, "hold out", rows.x.device).torch
    held_out = torch.zeros_like(rows.y, dtype=torch.bool)
    for label in (0, 1):
        members = (rows.y == label).nonzero().flatten()
        n_held_out = int(share * len(members))
        if n_held_out == 0:
            logger.warning(
                "%d training rows of class %d: none can be held out, the detector trains on all for its whole budget",
                len(members),
                label,
            )
            return rows, None
        order = torch.randperm(len(members), generator=generator, device=members.device)
        held_out[members[order[:n_held_out]]] = True
    return rows[~held_out], rows[held_out]


@dataclass(frozen=True)
class Pretrained:
    """The two models and the loss along their training."""

    cvae: CVAE
    detector: MambaDetector
    cvae_history: list[dict[str, float]]
    detector_history: list[dict[str, float]]


def pretrain(
    rows: LabelledRows,
    held_out: LabelledRows | None,
    config: PretrainingConfig,
    seed: int,
    progress: bool = False,
) -> Pretrained:
    """Train both models from scratch on `rows`."""
    n_features, device = rows.x.shape[1], rows.x.device
    generator = stage_generators(seed, "pretraining", device).torch
    encoding = PiecewiseLinearEncoding.fit(rows.x.cpu().numpy(), config.detector.mamba.bins)
    with seeded_init(generator):
        cvae = CVAE(n_features, config.cvae).to(device)
        detector = MambaDetector(encoding, config.detector.mamba).to(device)
    with narrow_threads(n_features):
        cvae_history = fit_cvae(cvae, rows, config.cvae.training, generator, progress)
        detector_history = fit_detector(detector, rows, held_out, config.detector.training, generator, progress)
    return Pretrained(cvae, detector, cvae_history, detector_history)
