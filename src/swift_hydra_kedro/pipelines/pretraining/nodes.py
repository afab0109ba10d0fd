"""Pretrain the C-VAE and the single detector, and the judge of what they will make."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd

from swift_hydra_kedro.config import PretrainingConfig, RunConfig
from swift_hydra_kedro.data.checkpoint import Checkpoint
from swift_hydra_kedro.detection.training import train_judge
from swift_hydra_kedro.models.checkpoints import committee_settings, cvae_settings, detector_settings, tensors_of
from swift_hydra_kedro.models.selective_scan import log_backend
from swift_hydra_kedro.pipelines.conversion import stacked_histories, to_rows
from swift_hydra_kedro.synthesis.pretraining import hold_out, pretrain


def pretrain_models(
    train_rows: Checkpoint, pretraining: PretrainingConfig, run: RunConfig
) -> tuple[Checkpoint, Checkpoint, pd.DataFrame, dict[str, Any]]:
    """Train both models on the training rows, less those held out to judge the detector on."""
    start = time.perf_counter()
    rows = to_rows(train_rows, run)
    mamba = pretraining.detector.mamba
    backend = log_backend(mamba.backend, rows.x.device, mamba.several_tokens)
    training, held_out = hold_out(rows, pretraining.detector.holdout_share, run.seed)
    result = pretrain(training, held_out, pretraining, run.seed, progress=True)
    history = stacked_histories(cvae=result.cvae_history, detector=result.detector_history)
    report = {"seconds": time.perf_counter() - start, "backend": backend, "device": str(rows.x.device)}
    return (
        Checkpoint(tensors_of(result.cvae), cvae_settings(result.cvae)),
        Checkpoint(tensors_of(result.detector), detector_settings(result.detector)),
        history,
        report,
    )


def train_acceptance_judge(
    train_rows: Checkpoint, pretraining: PretrainingConfig, run: RunConfig
) -> tuple[Checkpoint, dict[str, Any]]:
    """Train the committee that says which samples may join the training rows."""
    start = time.perf_counter()
    judge = train_judge(to_rows(train_rows, run), pretraining.judge, run.seed, progress=True)
    return Checkpoint(tensors_of(judge), committee_settings(judge)), {"seconds": time.perf_counter() - start}
