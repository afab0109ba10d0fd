"""Samples per second of the self-reinforcing loop's generation, as a ratio to plain resampling by SMOTE.

usage: python benchmarks/synthesis_speed.py [DATASET]

One episode's generation as the loop does it, on rows of the given ADBench or embedded set (default
7_Cardiotocography): latents of size 64, every action replaced after 20 gradient steps on the full entropy reward, the
worst case. SMOTE (imbalanced-learn) draws as many samples in the same run. Then the same with more and more anomalies,
real ones drawn again with a little noise: seconds of an episode, with and without a cap on those that the density is
estimated from.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
from imblearn.over_sampling import SMOTE
from torch import Tensor

from swift_hydra_kedro.config import PreparationConfig, PretrainingConfig, SynthesisConfig, TablesConfig
from swift_hydra_kedro.data.preprocessing import TablePreprocessor
from swift_hydra_kedro.data.sources import RawTables
from swift_hydra_kedro.data.splitting import split
from swift_hydra_kedro.models.fitting import LabelledRows
from swift_hydra_kedro.models.runtime import narrow_threads
from swift_hydra_kedro.synthesis.density import EntropyAfterAdding, GaussianKDE
from swift_hydra_kedro.synthesis.feasible import SupportedRange, feasible_latents
from swift_hydra_kedro.synthesis.pretraining import Pretrained, pretrain
from swift_hydra_kedro.synthesis.reward import RewardFunction

LATENT, SAMPLES, REPEATS = 64, 500, 5
NUMBERS, NOISE = (125, 250, 500, 1000, 2000, 4000), 0.1
BRIEF = {
    "cvae": {"latent_size": LATENT, "training": {"max_steps": 200}},
    "detector": {"training": {"max_steps": 200}},
}


def main(dataset: str) -> None:
    """Measure and print."""
    project = Path(__file__).resolve().parents[1]
    tables = RawTables(project / "data/01_raw", project, os.environ.get("ADBENCH_MIRROR"))
    train, _ = split(tables.read(dataset, TablesConfig({})), 0.4, 0)
    x = TablePreprocessor.fit(train.features, PreparationConfig()).transform(train.features)
    y = train.label.to_numpy()
    rows = LabelledRows.from_arrays(x, y, np.ones(len(y)), torch.device("cpu"))
    models = pretrain(rows, None, PretrainingConfig.with_overrides(BRIEF), 0)
    for model in (models.cvae, models.detector):
        model.requires_grad_(False)
    config = SynthesisConfig()
    cap = config.reward.max_reference_rows
    print(f"{dataset}: P = {x.shape[1]}, d = {LATENT}, {config.feasible_steps} gradient steps, {SAMPLES} samples")
    seconds = _generate(models, rows.anomalies, cap, config)
    start = time.perf_counter()
    SMOTE(sampling_strategy={1: int(y.sum()) + SAMPLES}, random_state=0).fit_resample(x, y)
    smote = time.perf_counter() - start
    ours, plain = SAMPLES / seconds, SAMPLES / smote
    print(f"{ours:.0f} samples per second (median of {REPEATS}); SMOTE without a reward: {plain:.0f}")
    print(f"ratio {smote / seconds:.4f}\n\n{'anomalies':>9} {'seconds':>8} {'uncapped':>8}")
    for n in NUMBERS:
        anomalies = _enlarged(rows.anomalies, n)
        print(f"{n:9} {_generate(models, anomalies, cap, config):8.3f} {_generate(models, anomalies, n, config):8.3f}")


def _generate(models: Pretrained, anomalies: Tensor, cap: int, config: SynthesisConfig) -> float:
    """Median seconds of an episode's generation."""
    generator = torch.Generator().manual_seed(0)
    mu, log_var = models.cvae.encode(anomalies, torch.ones(len(anomalies)))
    supported = SupportedRange.fit(mu, log_var, config.support_quantile)
    z = mu[torch.randint(len(mu), (SAMPLES,), generator=generator)]
    seconds = []
    with narrow_threads(anomalies.shape[1]):
        for _ in range(REPEATS):
            start = time.perf_counter()
            kde = GaussianKDE(anomalies[:cap], config.reward.bandwidth)
            entropy = EntropyAfterAdding(kde, config.reward.kde_samples, config.reward.noise_samples, generator)
            residual = torch.zeros(anomalies.shape[1])
            reward = RewardFunction(models.cvae, models.detector, entropy, config.reward.discount, 1, residual)
            reward(feasible_latents(z, reward, supported, config.feasible_steps, config.feasible_step_size))
            seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def _enlarged(anomalies: Tensor, n: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    drawn = anomalies[torch.randint(len(anomalies), (n,), generator=generator)]
    return drawn + NOISE * torch.randn(drawn.shape, generator=generator)


if __name__ == "__main__":
    main(*sys.argv[1:] or ["7_Cardiotocography"])
