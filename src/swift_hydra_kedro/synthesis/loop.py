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
from swift_hydra_kedro.models.committee import Committee
from swift_hydra_kedro.models.cvae import CVAE
from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.fitting import LabelledRows, fit_cvae, fit_detector
from swift_hydra_kedro.models.policy import Policy
from swift_hydra_kedro.models.runtime import narrow_threads, stage_generators
from swift_hydra_kedro.synthesis.acceptance import Acceptance
from swift_hydra_kedro.synthesis.batch import Joinable
from swift_hydra_kedro.synthesis.density import EntropyAfterAdding, GaussianKDE
from swift_hydra_kedro.synthesis.ppo import PPO, Trajectory
from swift_hydra_kedro.synthesis.region import Outskirts
from swift_hydra_kedro.synthesis.reward import Rewards
from swift_hydra_kedro.synthesis.states import draw_states
from swift_hydra_kedro.synthesis.walks import Walker, Walks

CANDIDATES = 4
PART = 2048  # samples made at once
HISTORY = (
    "episode",
    "mean_reward",
    "mean_undecayed_reward",
    "entropy_term",
    "evasion_term",
    "invalid_share",
    "accepted_share",
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
class SyntheticAnomalies(Joinable):
    """The samples that were kept: `x (g, P)` scaled rows; `episode`, `reward`, `entropy`, `evasion (g,)`.

    `outside (g,)` is 1 for those that come from a normal row and have left the normal region, and 0 for the others.
    """

    x: Tensor
    episode: Tensor
    reward: Tensor
    entropy: Tensor
    evasion: Tensor
    outside: Tensor

    @classmethod
    def none(cls, n_features: int) -> SyntheticAnomalies:
        """No samples yet."""
        return cls(torch.empty(0, n_features), *(torch.empty(0) for _ in range(5)))


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
    judge: Committee,
    config: SynthesisConfig,
    seed: int,
    progress: bool = False,
) -> SynthesisResult:
    """Run algorithm 1 from a pretrained C-VAE and detector, which are left as they were.

    Parameters
    ----------
    rows : the real training rows, at least one anomaly among them
    held_out : training rows kept apart to report the detector's AUC-ROC on; None reports NaN
    judge : detectors trained on real rows, which samples that start at anomalies have to convince
    config : with `enabled` off there are no episodes
    """
    cvae, detector = copy.deepcopy(cvae), copy.deepcopy(detector)
    generator = stage_generators(seed, "synthesis", rows.x.device).torch
    ppo = PPO(cvae.config.latent_size + 1, cvae.config.latent_size, config.policy, generator)
    acceptance = Acceptance(judge, config.min_probability)
    outskirts = Outskirts.of(rows, config.outskirts, generator)
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
            samples, record = _episode(episode, current, cvae, detector, acceptance, outskirts, ppo, config, generator)
        synthetic = synthetic.join(samples)
        record |= {"detector_auc_roc": _auc_roc(detector, held_out), "seconds": time.perf_counter() - start}
        history.append(record)
        bar.set_postfix({name: f"{record[name]:.3f}" for name in ("mean_reward", "accepted_share", "detector_auc_roc")})
        if convergence.reached(record["mean_undecayed_reward"]):
            break
    bar.close()
    return SynthesisResult(synthetic, history, cvae, detector, ppo.policy)


@torch.no_grad()
def draw_anomalies(
    result: SynthesisResult,
    anomalies: Tensor,
    judge: Committee,
    n: int,
    config: SynthesisConfig,
    generator: torch.Generator,
) -> Tensor:
    """Let the trained policy make `n` more anomalies from real ones, `(a, P)` -> `(n, P)`; nothing is trained.

    It makes `CANDIDATES` times as many and gives those first that may join, then the likeliest; of many samples, `PART`
    at a time. All of them start at anomalies, none at normal rows.
    """
    if n == 0:
        return anomalies[:0]
    if n > PART:
        sizes = [PART] * (n // PART) + [n % PART]
        return torch.cat([draw_anomalies(result, anomalies, judge, size, config, generator) for size in sizes])
    acceptance = Acceptance(judge, config.min_probability)
    n_candidates = CANDIDATES * n
    states = draw_states(anomalies, 1, result.cvae, n_candidates, config, generator)
    action, _ = result.policy.sample(states.observed, generator)
    z_new = states.supported.project(states.z + action)
    x_new = result.cvae.decode(z_new, z_new.new_ones(n_candidates)) + states.residual
    likelihood = acceptance.probability(x_new).clamp(max=acceptance.min_probability)
    return x_new[likelihood.sort(descending=True, stable=True).indices[:n]]


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
    acceptance: Acceptance,
    outskirts: Outskirts | None,
    ppo: PPO,
    config: SynthesisConfig,
    generator: torch.Generator,
) -> tuple[SyntheticAnomalies, dict[str, float]]:
    """Lines 6 to 21: generate h samples, update the policy, keep l of those that may join."""
    for model in (cvae, detector):
        model.requires_grad_(False)
    entropy, discount = _entropy(rows.anomalies, config, generator), config.reward.discount**episode
    walker = Walker(cvae, detector, entropy, discount, ppo.policy, config, generator)
    n_outside = outskirts.part_of(config.steps_per_episode) if outskirts else 0
    walks = walker.from_anomalies(rows.anomalies, config.steps_per_episode - n_outside, acceptance)
    if outskirts and n_outside:
        walks = walks.join(walker.from_normals(outskirts.region, n_outside))
    rewards = walker.rewards(walks.x)
    earned = torch.where(walks.accepted, rewards.total, rewards.total.min())  # evading by being normal earns nothing
    diagnostics = ppo.update(Trajectory(walks.observed, walks.action, walks.log_prob, earned, walks.replaced))
    for model in (cvae, detector):
        model.requires_grad_(True)
    best = _chosen(walks, rewards.total, config.keep, outskirts.part_of(config.keep) if outskirts else 0, generator)
    return _kept(walks, rewards, best, episode), {
        "episode": episode,
        "mean_reward": float(rewards.total.mean()),
        "mean_undecayed_reward": float(rewards.undecayed.mean()),
        "entropy_term": float(rewards.discount * rewards.entropy.mean()),
        "evasion_term": float(rewards.evasion.mean()),
        "invalid_share": float(walks.replaced.float().mean()),
        "accepted_share": float(walks.accepted.float().mean()),
        "entropy": entropy.current(),
        "n_kept": len(best),
        **diagnostics,
    }


def _chosen(walks: Walks, reward: Tensor, n: int, n_outside: int, generator: torch.Generator) -> Tensor:
    """Numbers of the accepted samples that are kept, at most `n`, of which `n_outside` are to come from outside.

    Of those that start at anomalies the ones of the highest reward; of the others any, for the hardest all look alike.
    Where too few of the first are accepted, more of the others take their places.
    """
    chance = torch.rand(len(reward), generator=generator, device=reward.device)
    best = _highest(reward, walks.accepted & ~walks.outside, n - n_outside)
    return torch.cat([best, _highest(chance, walks.accepted & walks.outside, n - len(best))])


def _highest(value: Tensor, eligible: Tensor, n: int) -> Tensor:
    """Numbers of the `n` eligible samples of the highest value, or of all if they are fewer."""
    return value.masked_fill(~eligible, -torch.inf).argsort(descending=True, stable=True)[: min(n, int(eligible.sum()))]


def _entropy(anomalies: Tensor, config: SynthesisConfig, generator: torch.Generator) -> EntropyAfterAdding:
    """The episode's entropy term, with the KDE on at most `max_reference_rows` of the current anomalies."""
    settings = config.reward
    order = torch.randperm(len(anomalies), generator=generator, device=anomalies.device)
    kde = GaussianKDE(anomalies[order[: settings.max_reference_rows]], settings.bandwidth)
    return EntropyAfterAdding(kde, settings.kde_samples, settings.noise_samples, generator)


def _kept(walks: Walks, rewards: Rewards, best: Tensor, episode: int) -> SyntheticAnomalies:
    reasons = (rewards.total, rewards.entropy, rewards.evasion, walks.outside.float())
    episodes = torch.full((len(best),), float(episode))
    return SyntheticAnomalies(walks.x[best].cpu(), episodes, *(reason[best].cpu() for reason in reasons))


@torch.no_grad()
def _auc_roc(detector: MambaDetector, rows: LabelledRows | None) -> float:
    if rows is None:
        return float("nan")
    return float(roc_auc_score(rows.y.cpu(), detector(rows.x).cpu(), sample_weight=rows.weight.cpu()))
