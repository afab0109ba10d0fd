"""Samples per second of the self-reinforcing loop's generation, as a ratio to plain resampling by SMOTE.

usage: python benchmarks/synthesis_speed.py [DATASET]

One episode's generation as the loop does it, on rows of the given ADBench or embedded set (default
7_Cardiotocography): latents of size 64, every action replaced after 20 gradient steps on the full entropy reward, the
worst case. SMOTE (imbalanced-learn) draws as many samples in the same run.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
from imblearn.over_sampling import SMOTE

from swift_hydra_kedro.config import PreparationConfig, PretrainingConfig, SynthesisConfig, TablesConfig
from swift_hydra_kedro.data.preprocessing import TablePreprocessor
from swift_hydra_kedro.data.sources import RawTables
from swift_hydra_kedro.data.splitting import split
from swift_hydra_kedro.models.fitting import LabelledRows
from swift_hydra_kedro.models.runtime import narrow_threads
from swift_hydra_kedro.synthesis.density import EntropyAfterAdding, GaussianKDE
from swift_hydra_kedro.synthesis.feasible import SupportedRange, feasible_latents
from swift_hydra_kedro.synthesis.pretraining import pretrain
from swift_hydra_kedro.synthesis.reward import RewardFunction

LATENT, SAMPLES, REPEATS = 64, 500, 5


def main(dataset: str) -> None:
    """Measure and print."""
    project = Path(__file__).resolve().parents[1]
    tables = RawTables(project / "data/01_raw", project, os.environ.get("ADBENCH_MIRROR"))
    train, _ = split(tables.read(dataset, TablesConfig({})), 0.4, 0)
    x = TablePreprocessor.fit(train.features, PreparationConfig()).transform(train.features)
    y = train.label.to_numpy()
    rows = LabelledRows.from_arrays(x, y, np.ones(len(y)), torch.device("cpu"))
    brief = {
        "cvae": {"latent_size": LATENT, "training": {"max_steps": 200}},
        "detector": {"training": {"max_steps": 200}},
    }
    models = pretrain(rows, None, PretrainingConfig.with_overrides(brief), 0)
    config, generator = SynthesisConfig(), torch.Generator().manual_seed(0)
    with torch.no_grad():
        mu, log_var = models.cvae.encode(rows.anomalies, torch.ones(len(rows.anomalies)))
    supported = SupportedRange.fit(mu, log_var, config.support_quantile)
    z = mu[torch.randint(len(mu), (SAMPLES,), generator=generator)]
    with narrow_threads(x.shape[1]):
        seconds = [_generate(rows, models, supported, z, config, generator) for _ in range(REPEATS)]
    start = time.perf_counter()
    SMOTE(sampling_strategy={1: int(y.sum()) + SAMPLES}, random_state=0).fit_resample(x, y)
    smote = time.perf_counter() - start
    ours = SAMPLES / float(np.median(seconds))
    print(
        f"{dataset}: P = {x.shape[1]}, d = {LATENT}, {int(y.sum())} anomalies, {config.feasible_steps} gradient steps"
    )
    print(f"{ours:.0f} samples per second (median of {REPEATS}); SMOTE without a reward: {SAMPLES / smote:.0f}")
    print(f"ratio {ours * smote / SAMPLES:.4f}")


def _generate(rows, models, supported, z, config, generator) -> float:
    start = time.perf_counter()
    settings = config.reward
    for model in (models.cvae, models.detector):
        model.requires_grad_(False)
    kde = GaussianKDE(rows.anomalies[: settings.max_reference_rows], settings.bandwidth)
    entropy = EntropyAfterAdding(kde, settings.kde_samples, settings.noise_samples, generator)
    residual = torch.zeros(rows.x.shape[1])
    reward = RewardFunction(models.cvae, models.detector, entropy, settings.discount, 1, residual)
    latents = feasible_latents(z, reward, supported, config.feasible_steps, config.feasible_step_size)
    reward(latents)
    return time.perf_counter() - start


if __name__ == "__main__":
    main(*sys.argv[1:] or ["7_Cardiotocography"])
