"""Run the self-reinforcing loop; a DAG has no cycles, so the loop is one node."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd

from swift_hydra_kedro.config import PretrainingConfig, RunConfig, SynthesisConfig
from swift_hydra_kedro.data.checkpoint import Checkpoint
from swift_hydra_kedro.data.preprocessing import TablePreprocessor
from swift_hydra_kedro.models.checkpoints import (
    cvae_settings,
    detector_settings,
    load_committee,
    load_cvae,
    load_detector,
    policy_settings,
    tensors_of,
)
from swift_hydra_kedro.pipelines.conversion import to_rows
from swift_hydra_kedro.synthesis.loop import HISTORY, SyntheticAnomalies, synthesise
from swift_hydra_kedro.synthesis.pretraining import hold_out


def run_loop(
    train_rows: Checkpoint,
    pretrained_cvae: Checkpoint,
    pretrained_detector: Checkpoint,
    judge: Checkpoint,
    pretraining: PretrainingConfig,
    synthesis: SynthesisConfig,
    run: RunConfig,
) -> tuple[Checkpoint, pd.DataFrame, Checkpoint, Checkpoint, Checkpoint, dict[str, Any]]:
    """Generate anomalies; models come out as the last episode left them."""
    start = time.perf_counter()
    rows = to_rows(train_rows, run)
    training, held_out = hold_out(rows, pretraining.detector.holdout_share, run.seed)
    cvae = load_cvae(pretrained_cvae.tensors, pretrained_cvae.state).to(rows.x.device)
    detector = load_detector(pretrained_detector.tensors, pretrained_detector.state).to(rows.x.device)
    committee = load_committee(judge.tensors, judge.state).to(rows.x.device)
    result = synthesise(training, held_out, cvae, detector, committee, synthesis, run.seed, progress=True)
    report = {"seconds": time.perf_counter() - start, "n_synthetic": len(result.synthetic.x)}
    return (
        _to_checkpoint(result.synthetic),
        pd.DataFrame(result.history, columns=list(HISTORY)),
        Checkpoint(tensors_of(result.cvae), cvae_settings(result.cvae)),
        Checkpoint(tensors_of(result.detector), detector_settings(result.detector)),
        Checkpoint(tensors_of(result.policy), policy_settings(result.policy)),
        report,
    )


def to_original_units(synthetic_rows: Checkpoint, preprocessor: dict[str, Any]) -> pd.DataFrame:
    """Write the generated anomalies as the table's owner would: original columns and units, and why each was kept."""
    tensors = synthetic_rows.tensors
    features = TablePreprocessor.from_state(preprocessor).inverse_transform(tensors["x"])
    reasons = {name: tensors[name] for name in ("episode", "reward", "entropy", "evasion", "outside")}
    for name in ("episode", "outside"):
        reasons[name] = reasons[name].astype(int)
    return pd.concat([features, pd.DataFrame(reasons).add_prefix("synthetic_")], axis=1)


def _to_checkpoint(synthetic: SyntheticAnomalies) -> Checkpoint:
    return Checkpoint({name: value.numpy() for name, value in vars(synthetic).items()}, {})
