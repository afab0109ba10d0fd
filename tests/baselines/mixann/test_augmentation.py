"""The whole procedure: what the synthetic rows are made of, that they help, and which of them are kept."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score
from sklearn.neighbors import KNeighborsClassifier

from swift_hydra_kedro.baselines.mixann import augmentation
from swift_hydra_kedro.baselines.mixann.augmentation import augment, roll_out
from swift_hydra_kedro.baselines.mixann.mdp import Mixture, Step
from swift_hydra_kedro.config import MixAnNConfig

TINY = MixAnNConfig(
    training_steps=40,
    max_episode_steps=8,
    augmentation_steps=20,
    ddpg={"hidden_size": 8, "random_steps": 10, "batch_size": 8},
)


def scattered(n_anomalies=12, n=200, seed=0):
    """Normal rows around 0, and anomalies so far from each other that a 10-NN overlooks them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    y = (np.arange(n) < n_anomalies).astype(int)
    x[y == 1] += 5 * np.sign(rng.normal(size=(n_anomalies, 4)))
    return x, y


@pytest.fixture(scope="module")
def made():
    return augment(*scattered(), "knn", TINY, seed=0)


def test_synthetic_rows_are_mixtures_of_the_rows_they_name_and_labelled_by_their_share(made):
    x, y = scattered()
    assert len(made.y) > 0
    assert (y[made.anomaly] == 1).all()
    assert (y[made.normal] == 0).all()
    ratio = made.ratio[:, None]
    np.testing.assert_allclose(made.x, ratio * x[made.anomaly] + (1 - ratio) * x[made.normal])
    np.testing.assert_array_equal(made.y, made.ratio >= 0.3)


def test_a_knn_that_overlooks_scattered_anomalies_is_helped(made):
    assert made.f1_before < 0.6
    assert made.f1 > 0.8
    x, y = scattered()
    x_test, y_test = scattered(seed=1)
    plain = KNeighborsClassifier(10).fit(x, y)
    helped = KNeighborsClassifier(10).fit(np.vstack([x, made.x]), np.concatenate([y, made.y]))
    scores = [f1_score(y_test, knn.predict(x_test), average="macro") for knn in (plain, helped)]
    assert scores[1] > scores[0] + 0.1


def test_the_told_f1_is_that_of_a_knn_trained_on_all_kept_rows(made, monkeypatch):
    parts = []
    monkeypatch.setattr(
        augmentation, "_split", lambda *given, real=augmentation._split: parts.append(real(*given)) or parts[0]
    )
    again = augment(*scattered(), "knn", TINY, seed=0)
    (fit, val), (x, y) = parts[0], scattered()
    for expected, rows, label in (
        (made.f1_before, x[fit], y[fit]),
        (made.f1, np.vstack([x[fit], again.x]), np.concatenate([y[fit], again.y])),
    ):
        predicted = KNeighborsClassifier(10).fit(rows, label).predict(x[val])
        assert f1_score(y[val], predicted, average="macro") == pytest.approx(expected)


@pytest.mark.parametrize("classifier", ["knn", "xgboost", "mlp"])
def test_equal_seeds_give_equal_rows_and_histories(classifier):
    x, y = scattered(n=80)
    first, second = (augment(x, y, classifier, TINY, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.x, second.x)
    assert first.history == second.history


def test_another_seed_gives_another_history(made):
    assert augment(*scattered(), "knn", TINY, seed=1).history != made.history


def test_the_history_has_a_record_per_episode_and_all_steps(made):
    assert [record["episode"] for record in made.history] == list(range(len(made.history)))
    assert sum(record["steps"] for record in made.history) == 40
    assert max(record["steps"] for record in made.history) <= 8
    assert {"mean_reward", "f1", "f1_gain", "critic_loss", "actor_loss"} <= set(made.history[-1])


class Walk:
    """A process whose F1 goes as told, and whose walks end where told."""

    def __init__(self, f1, ends=(), n_anomalies=1):
        self.f1, self.ends, self.starts, self.previous = f1, ends, [], [0.5]
        self.anomalies, self.rng = np.arange(n_anomalies), np.random.default_rng(0)

    def reset(self):
        self.step_number = 0

    def start_walk(self, anomaly):
        self.starts.append((self.step_number, int(anomaly)))

    def state(self):
        return np.zeros(2, dtype=np.float32)

    def step(self, action):
        self.step_number += 1
        mixture = Mixture(np.zeros(1), 1, 1, self.step_number, 0, action.ratio)
        return Step(mixture, 0.0, self.f1[self.step_number - 1], self.step_number in self.ends)


AGENT = SimpleNamespace(act=lambda state: torch.full((4,), 0.5))


@pytest.mark.parametrize(
    ("f1", "kept"), [((0.4, 0.6, 0.6, 0.3), 3), ((0.4, 0.5, 0.3, 0.2), 0), ((0.1, 0.2, 0.3, 0.9), 4)]
)
def test_the_rows_up_to_the_last_of_the_highest_f1_are_kept(f1, kept):
    mixtures = roll_out(Walk(f1), AGENT, MixAnNConfig(augmentation_steps=4))
    assert [mixture.anomaly for mixture in mixtures] == list(range(1, kept + 1))


def test_a_new_walk_starts_where_the_policy_or_the_bound_ends_one():
    walk = Walk([0.5] * 9, ends=(2,))
    roll_out(walk, AGENT, MixAnNConfig(augmentation_steps=9, max_episode_steps=3))
    assert walk.starts == [(0, 0), (2, 0), (5, 0), (8, 0)]


def test_walks_start_at_all_anomalies_in_turn_and_share_the_steps():
    walk = Walk([0.5] * 9, ends=(3,), n_anomalies=4)
    roll_out(walk, AGENT, MixAnNConfig(augmentation_steps=9))
    numbers, starts = zip(*walk.starts, strict=True)
    assert numbers == (0, 2, 3, 5, 7)
    assert sorted(starts[:4]) == [0, 1, 2, 3]
    assert starts[4] == starts[0]


def test_more_anomalies_than_steps_are_walked_from_once_each_at_most():
    walk = Walk([0.5] * 9, n_anomalies=50)
    roll_out(walk, AGENT, MixAnNConfig(augmentation_steps=9))
    assert len({anomaly for _, anomaly in walk.starts}) == len(walk.starts) == 9


@pytest.mark.parametrize(
    ("scores", "taken"), [((0.5, 0.5, 0.8, 0.7), 1), ((0.5, 0.6, 0.6, 0.4), 0), ((0.5, 0.2, 0.4, 0.5), None)]
)
def test_the_policy_is_taken_whose_rows_help_a_classifier_trained_from_scratch_most(scores, taken, monkeypatch):
    told, numbers = iter(scores), iter(range(3))
    monkeypatch.setattr(augmentation, "train_policy", lambda *given: (AGENT, [{"policy": next(numbers)}]))
    monkeypatch.setattr(augmentation, "roll_out", lambda *given: [Mixture(np.full(4, 7.0), 1, 2, 0, 0, 1.0)])
    monkeypatch.setattr(augmentation, "macro_scores", lambda *given: {"f1": next(told)})
    made = augment(*scattered(), "knn", TINY, seed=0)
    assert made.f1_before == 0.5
    if taken is None:
        assert (len(made.x), len(made.y), made.f1) == (0, 0, 0.5)
    else:
        assert (len(made.x), made.f1, made.history) == (2, max(scores), [{"policy": taken}])


def test_without_an_improvement_there_are_no_rows():
    x, y = scattered()
    x[y == 1] = 0.0  # anomalies that no classifier can tell
    made = augment(x, y, "knn", TINY.model_copy(update={"augmentation_steps": 1}), seed=0)
    assert made.x.shape == (0, 4)
    assert len(made.y) == len(made.ratio) == len(made.anomaly) == 0
    assert made.f1 == made.f1_before


@pytest.mark.parametrize(("n_anomalies", "n_val"), [(2, 1), (10, 2), (40, 8)])
def test_a_fifth_of_each_class_is_held_out_and_at_least_one(n_anomalies, n_val):
    y = (np.arange(200) < n_anomalies).astype(int)
    fit, val = augmentation._split(y, TINY, np.random.default_rng(0))
    assert sorted([*fit, *val]) == list(range(200))
    assert y[val].sum() == n_val
    assert (y[val] == 0).sum() == round(0.2 * (200 - n_anomalies))


def test_at_most_so_many_rows_are_looked_at_and_the_log_says_so(caplog):
    y = (np.arange(1000) < 100).astype(int)
    with caplog.at_level(logging.WARNING):
        fit, val = augmentation._split(y, TINY.model_copy(update={"max_rows": 200}), np.random.default_rng(0))
    rows = np.concatenate([fit, val])
    assert len(set(rows)) == 200
    assert y[rows].sum() == 20
    assert "200 of 1000 rows" in caplog.text


def test_one_anomaly_is_enough(caplog):
    x, y = scattered(n_anomalies=1)
    with caplog.at_level(logging.WARNING):
        made = augment(x, y, "knn", TINY, seed=0)
    assert np.isfinite(made.x).all()
    assert set(made.anomaly) <= {0}
    assert "one row of a class" in caplog.text


def test_rows_far_out_give_finite_mixtures():
    x, y = scattered()
    x[0] *= 1e5
    made = augment(x, y, "mlp", TINY, seed=0)
    assert np.isfinite(made.x).all()
    assert all(np.isfinite(list(record.values())).all() for record in made.history)


def test_one_class_alone_is_refused():
    with pytest.raises(ValueError, match=r"both of them; they are \[0\]"):
        augment(np.zeros((9, 2)), np.zeros(9, dtype=int), "knn", TINY, seed=0)


def test_columns_far_from_zero_change_nothing(made):
    x, y = scattered()
    far = augment(x + 1.7e9, y, "knn", TINY, seed=0)
    np.testing.assert_array_equal(far.y, made.y)
    np.testing.assert_allclose(far.x - 1.7e9, made.x, atol=1e-5)
