"""MixAnN's procedure (algorithm 1): train a policy of mixing for a classifier, then let it make the synthetic rows.

The paper describes the training alone. Here each episode starts with the classifier of the real rows, at a random pair
and with `epsilon` anew: the text resets none of the three, and so would end after its first episode. After the training
the policy, without noise, mixes in walks from one anomaly after another; kept are the rows that had joined when F1 on
the validation rows was last at its highest. Rewards are small and rare, and some policies end in a corner where nothing
is gained: several are trained, and the best is taken, by F1 on the validation rows of a classifier that is trained from
scratch, as it will be, and not step by step. If none is better than no synthetic rows, there are none.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import numpy as np
import torch
from tqdm import tqdm

from swift_hydra_kedro.baselines.mixann.classifiers import growing_classifier
from swift_hydra_kedro.baselines.mixann.ddpg import DDPG
from swift_hydra_kedro.baselines.mixann.mdp import N_ACTIONS, Action, Mixture, MixUpProcess
from swift_hydra_kedro.baselines.mixann.scores import macro_scores
from swift_hydra_kedro.config import MixAnNConfig
from swift_hydra_kedro.config.mixann import MixAnNClassifier
from swift_hydra_kedro.data.splitting import part_of_each_class
from swift_hydra_kedro.models.runtime import Generators, narrow_threads, stage_generators

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Augmentation:
    """Synthetic rows, and how they came about.

    Attributes
    ----------
    x : synthetic rows, `(g, P)`, copies beside each other
    y : labels, `(g,)`
    anomaly, normal : numbers of the training rows that each was mixed from, `(g,)`
    ratio : share of the anomaly, `(g,)`
    history : a record per episode of the training of the policy that was taken
    f1_before, f1 : macro F1 on the validation rows of classifiers trained without and with the synthetic rows
    """

    x: np.ndarray
    y: np.ndarray
    anomaly: np.ndarray
    normal: np.ndarray
    ratio: np.ndarray
    history: list[dict[str, float]]
    f1_before: float
    f1: float


def augment(
    x: np.ndarray, y: np.ndarray, classifier: MixAnNClassifier, config: MixAnNConfig, seed: int, progress: bool = False
) -> Augmentation:
    """Make synthetic rows for a classifier that will be trained on rows `x (N, P)`, labels `y (N,)`, 1 = anomaly.

    They are those of the one among `config.policies` policies that helps most on the validation rows.

    Raises
    ------
    ValueError
        If a class is missing.
    ImportError
        If the classifier's library is missing.
    """
    if set(np.unique(y).tolist()) != {0, 1}:
        raise ValueError(f"labels must be 0 and 1, both of them; they are {np.unique(y).tolist()}")
    rng = stage_generators(seed, f"mixann {classifier}", torch.device("cpu"))
    fit, val = _split(y, config, rng.numpy)
    centre = x.mean(axis=0, dtype=np.float64)  # far from it, distances by products would cancel
    rows, label = x - centre, y.astype(int)
    with narrow_threads(1):
        watched = np.concatenate([rows[val], rows[fit]])
        growing = growing_classifier(classifier, rows[fit], label[fit], watched, config, rng.numpy)
        process = MixUpProcess(growing, rows[fit], label[fit], label[val], config, rng.numpy)
        none = _collected([], fit, x.shape[1])

        def f1_with(made: dict[str, np.ndarray]) -> float:
            joined = np.concatenate([rows[fit], made["x"]]), np.concatenate([label[fit], made["y"]])
            return macro_scores(classifier, *joined, rows[val], label[val], seed)["f1"]

        f1_before, found = f1_with(none), []
        for _ in range(config.policies):
            agent, history = train_policy(process, config, rng, progress)
            made = _collected(roll_out(process, agent, config), fit, x.shape[1])
            f1 = f1_with(made) if len(made["y"]) else f1_before
            found.append(Augmentation(**made, history=history, f1_before=f1_before, f1=f1))
    best = max(found, key=lambda one: one.f1)
    if best.f1 > f1_before:
        return replace(best, x=best.x + centre)
    return Augmentation(**none, history=best.history, f1_before=f1_before, f1=f1_before)


def train_policy(
    process: MixUpProcess, config: MixAnNConfig, rng: Generators, progress: bool = False
) -> tuple[DDPG, list[dict[str, float]]]:
    """Algorithm 1: episodes of mixing, from each of whose steps the agent learns; a record per episode."""
    agent = DDPG(process.state_size, N_ACTIONS, config.ddpg, rng.torch)
    history: list[dict[str, float]] = []
    left = config.training_steps
    with tqdm(total=left, desc="MixAnN's policy", unit="step", disable=not progress) as bar:
        while left:
            process.reset()
            record = _episode(process, agent, config, min(config.max_episode_steps, left))
            history.append({"episode": len(history)} | record)
            left -= int(record["steps"])
            bar.update(int(record["steps"]))
            bar.set_postfix(episode=len(history), reward=f"{record['mean_reward']:.3f}", f1=f"{record['f1']:.3f}")
    return agent, history


def roll_out(process: MixUpProcess, agent: DDPG, config: MixAnNConfig) -> list[Mixture]:
    """Mix without noise and without forgetting; the mixtures up to the highest F1, if it is above that without any.

    Walks start at all anomalies in turn, as many as the steps allow: where they end they are near where they began.
    """
    process.reset()
    best = process.previous[-1]
    starts = process.rng.permutation(process.anomalies)
    longest = min(config.max_episode_steps, max(1, config.augmentation_steps // len(starts)))
    mixtures: list[Mixture] = []
    n_best = n_walks = walked = 0
    for _ in range(config.augmentation_steps):
        if walked == 0:
            process.start_walk(starts[n_walks % len(starts)])
            n_walks += 1
        action = Action.from_unit(agent.act(torch.from_numpy(process.state())).numpy(), config)
        step = process.step(action)
        mixtures.append(step.mixture)
        walked = 0 if step.ended or walked + 1 == longest else walked + 1
        if step.f1 > best or (n_best and step.f1 == best):
            best, n_best = step.f1, len(mixtures)
    return mixtures[:n_best]


def _episode(process: MixUpProcess, agent: DDPG, config: MixAnNConfig, n_steps: int) -> dict[str, float]:
    """Lines 8 to 21: at most `n_steps` steps from a random pair, with updates after each."""
    rewards, losses = [], []
    f1_before = process.previous[-1]
    for _ in range(n_steps):
        state = torch.from_numpy(process.state())
        unit = agent.explore(state)
        step = process.step(Action.from_unit(unit.numpy(), config))
        agent.buffer.add(state, unit, step.reward, torch.from_numpy(process.state()), step.ended)
        rewards.append(step.reward)
        losses += [agent.learn() for _ in range(config.ddpg.updates_per_step)]
        if step.ended:
            break
    found = [loss for loss in losses if loss]
    means = {name: float(np.mean([loss[name] for loss in found])) for name in (found[0] if found else ())}
    return {
        "steps": len(rewards),
        "mean_reward": float(np.mean(rewards)),
        "f1": process.previous[-1],
        "f1_gain": process.previous[-1] - f1_before,
        **means,
    }


def _collected(mixtures: list[Mixture], fit: np.ndarray, n_features: int) -> dict[str, np.ndarray]:
    """Mixtures as arrays, each as often as it joins; rows are numbered as in the whole table."""
    copies = [mixture.copies for mixture in mixtures]
    sources = fit[np.array([(mixture.anomaly, mixture.normal) for mixture in mixtures], dtype=int).reshape(-1, 2)]
    columns = {
        "x": np.array([mixture.x for mixture in mixtures]).reshape(-1, n_features),
        "y": np.array([mixture.label for mixture in mixtures], dtype=int),
        "anomaly": sources[:, 0],
        "normal": sources[:, 1],
        "ratio": np.array([mixture.ratio for mixture in mixtures], dtype=float),
    }
    return {name: np.repeat(column, copies, axis=0) for name, column in columns.items()}


def _split(y: np.ndarray, config: MixAnNConfig, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the rows to mix and of the validation rows, at most `max_rows` together, each class in proportion.

    With a single row of a class there is nothing to hold out: the validation rows are those that are mixed.
    """
    share = min(1.0, config.max_rows / len(y))
    if share < 1:
        logger.warning("MixAnN searches on %d of %d rows, drawn at random", config.max_rows, len(y))
    classes = part_of_each_class(y, share, rng)
    if min(map(len, classes)) == 1:
        logger.warning("MixAnN has one row of a class, none to validate on: it looks at the rows that it mixes instead")
        rows = np.concatenate(classes)
        return rows, rows
    ends = [min(len(rows) - 1, max(1, round(config.validation_size * len(rows)))) for rows in classes]
    parts = [np.split(rows, [end]) for rows, end in zip(classes, ends, strict=True)]
    val, fit = (np.concatenate(part) for part in zip(*parts, strict=True))
    return fit, val
