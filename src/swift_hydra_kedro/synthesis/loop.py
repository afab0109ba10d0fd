"""The self-reinforcing loop (algorithm 1): all samples of an episode are one batch.

Glossary: `e` episode, `h` samples per episode, `l` of them kept, `Omega` and `N` the convergence test.
"""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass

import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor
from tqdm import tqdm

from swift_hydra_kedro.config import SynthesisConfig
from swift_hydra_kedro.models.cvae import CVAE
from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.fitting import LabelledRows, fit_cvae, fit_detector
from swift_hydra_kedro.models.policy import Policy
from swift_hydra_kedro.models.runtime import narrow_threads, stage_generators
from swift_hydra_kedro.synthesis.density import EntropyAfterAdding, GaussianKDE
from swift_hydra_kedro.synthesis.feasible import SupportedRange, feasible_latents
from swift_hydra_kedro.synthesis.ppo import PPO, Trajectory
from swift_hydra_kedro.synthesis.reward import RewardFunction, Rewards

HISTORY = (
    "episode",
    "mean_reward",
    "mean_undecayed_reward",
    "entropy_term",
    "evasion_term",
    "invalid_share",
    "entropy",
    "n_kept",
    "policy_loss",
    "value_loss",
    "imitation_loss",
    "policy_entropy",
    "approx_kl",
    "clip_fraction",
    "detector_auc_roc",
    "seconds",
)


@dataclass(frozen=True)
class SyntheticAnomalies:
    """The samples that were kept: `x (g, P)` scaled rows; `episode`, `reward`, `entropy`, `evasion (g,)`."""

    x: Tensor
    episode: Tensor
    reward: Tensor
    entropy: Tensor
    evasion: Tensor

    @classmethod
    def none(cls, n_features: int) -> SyntheticAnomalies:
        """No samples yet."""
        return cls(torch.empty(0, n_features), *(torch.empty(0) for _ in range(4)))

    def join(self, other: SyntheticAnomalies) -> SyntheticAnomalies:
        """These samples and then the others."""
        names = self.__dataclass_fields__
        return SyntheticAnomalies(**{n: torch.cat([getattr(self, n), getattr(other, n)]) for n in names})


@dataclass(frozen=True)
class SynthesisResult:
    """What the loop leaves: samples, one row of `HISTORY` per episode, and the models as they ended."""

    synthetic: SyntheticAnomalies
    history: list[dict[str, float]]
    cvae: CVAE
    detector: MambaDetector
    policy: Policy


def synthesise(
    rows: LabelledRows,
    held_out: LabelledRows | None,
    cvae: CVAE,
    detector: MambaDetector,
    config: SynthesisConfig,
    seed: int,
    progress: bool = False,
) -> SynthesisResult:
    """Run algorithm 1 from a pretrained C-VAE and detector, which are left as they were.

    Parameters
    ----------
    rows : the real training rows, at least one anomaly among them
    held_out : training rows kept apart to report the detector's AUC-ROC on; None reports NaN
    config : with `enabled` off there are no episodes
    """
    cvae, detector = copy.deepcopy(cvae), copy.deepcopy(detector)
    generator = stage_generators(seed, "synthesis", rows.x.device).torch
    ppo = PPO(cvae.config.latent_size, cvae.config.latent_size, config.policy, generator)
    synthetic = SyntheticAnomalies.none(rows.x.shape[1])
    history: list[dict[str, float]] = []
    n_episodes = config.episodes if config.enabled else 0
    convergence = Convergence(config.min_improvement, config.patience)
    bar = tqdm(range(1, n_episodes + 1), desc="episodes", unit="episode", disable=not progress)
    for episode in bar:
        start = time.perf_counter()
        current = rows.with_anomalies(synthetic.x.to(rows.x.device))
        with narrow_threads(rows.x.shape[1]):
            fit_cvae(cvae, current, config.cvae_training, generator)
            fit_detector(detector, current, held_out, config.detector_training, generator)
            samples, record = _episode(episode, current, cvae, detector, ppo, config, generator)
        synthetic = synthetic.join(samples)
        record |= {"detector_auc_roc": _auc_roc(detector, held_out), "seconds": time.perf_counter() - start}
        history.append(record)
        bar.set_postfix({name: f"{record[name]:.3f}" for name in ("mean_reward", "invalid_share", "detector_auc_roc")})
        if convergence.reached(record["mean_undecayed_reward"]):
            break
    bar.close()
    return SynthesisResult(synthetic, history, cvae, detector, ppo.policy)


@torch.no_grad()
def draw_anomalies(
    result: SynthesisResult, anomalies: Tensor, n: int, config: SynthesisConfig, generator: torch.Generator
) -> Tensor:
    """Let the trained policy make `n` more anomalies from real ones, `(a, P)` -> `(n, P)`; nothing is trained."""
    z, supported = _states(anomalies, result.cvae, n, config.support_quantile, generator)
    distribution = result.policy(supported.standardise(z))
    eps = torch.randn(z.shape, generator=generator, device=z.device)
    z_new = supported.project(z + distribution.mean + distribution.stddev * eps)
    return result.cvae.decode(z_new, z.new_ones(n))


class Convergence:
    """Stop after more than `N` episodes whose mean reward is not above the best by `Omega`."""

    def __init__(self, min_improvement: float, patience: int) -> None:
        self.min_improvement, self.patience = min_improvement, patience
        self.best, self.without_improvement = float("-inf"), 0

    def reached(self, mean_reward: float) -> bool:
        """Take note of an episode's mean reward; say whether the loop is to stop."""
        if mean_reward > self.best + self.min_improvement:
            self.best, self.without_improvement = mean_reward, 0
        else:
            self.without_improvement += 1
        return self.without_improvement > self.patience


def _episode(
    episode: int,
    rows: LabelledRows,
    cvae: CVAE,
    detector: MambaDetector,
    ppo: PPO,
    config: SynthesisConfig,
    generator: torch.Generator,
) -> tuple[SyntheticAnomalies, dict[str, float]]:
    """Lines 6 to 21: generate h samples, update the policy, keep the l best."""
    for model in (cvae, detector):
        model.requires_grad_(False)
    reward = _reward_function(episode, rows.anomalies, cvae, detector, config, generator)
    z, supported = _states(rows.anomalies, cvae, config.steps_per_episode, config.support_quantile, generator)
    state = supported.standardise(z)
    action, log_prob = ppo.act(state)
    z_new = z + action  # (h, d)
    invalid = ~supported.contains(z_new)
    if invalid.any():
        z_new[invalid] = feasible_latents(
            z[invalid], reward, supported, config.feasible_steps, config.feasible_step_size
        )
    with torch.no_grad():
        x_new = reward.decode(z_new)
        rewards = reward.of_rows(x_new)
    trajectory = Trajectory(state, z_new - z, log_prob, rewards.total, invalid)
    diagnostics = ppo.update(trajectory)
    for model in (cvae, detector):
        model.requires_grad_(True)
    best = rewards.total.topk(config.keep).indices
    return _kept(x_new, rewards, best, episode), {
        "episode": episode,
        "mean_reward": float(rewards.total.mean()),
        "mean_undecayed_reward": float(rewards.undecayed.mean()),
        "entropy_term": float(rewards.discount * rewards.entropy.mean()),
        "evasion_term": float(rewards.evasion.mean()),
        "invalid_share": float(invalid.float().mean()),
        "entropy": reward.entropy.current(),
        "n_kept": len(best),
        **diagnostics,
    }


def _reward_function(
    episode: int,
    anomalies: Tensor,
    cvae: CVAE,
    detector: MambaDetector,
    config: SynthesisConfig,
    generator: torch.Generator,
) -> RewardFunction:
    """The episode's reward, with the KDE on at most `max_reference_rows` of the current anomalies."""
    settings = config.reward
    order = torch.randperm(len(anomalies), generator=generator, device=anomalies.device)
    kde = GaussianKDE(anomalies[order[: settings.max_reference_rows]], settings.bandwidth)
    entropy = EntropyAfterAdding(kde, settings.kde_samples, settings.noise_samples, generator)
    return RewardFunction(cvae, detector, entropy, settings.discount**episode)


@torch.no_grad()
def _states(
    anomalies: Tensor, cvae: CVAE, n: int, quantile: float, generator: torch.Generator
) -> tuple[Tensor, SupportedRange]:
    """Latents `z (n, d)` of anomalies drawn at random, and the range that the encodings of all support."""
    mu, log_var = cvae.encode(anomalies, anomalies.new_ones(len(anomalies)))
    supported = SupportedRange.fit(mu, log_var, quantile)
    drawn = torch.randint(len(mu), (n,), generator=generator, device=mu.device)
    eps = torch.randn(n, mu.shape[1], generator=generator, device=mu.device)
    return mu[drawn] + torch.exp(0.5 * log_var[drawn]) * eps, supported


def _kept(x: Tensor, rewards: Rewards, best: Tensor, episode: int) -> SyntheticAnomalies:
    terms = [rewards.total[best], rewards.entropy[best], rewards.evasion[best]]
    return SyntheticAnomalies(x[best].cpu(), torch.full((len(best),), float(episode)), *(term.cpu() for term in terms))


@torch.no_grad()
def _auc_roc(detector: MambaDetector, rows: LabelledRows | None) -> float:
    if rows is None:
        return float("nan")
    return float(roc_auc_score(rows.y.cpu(), detector(rows.x).cpu(), sample_weight=rows.weight.cpu()))
