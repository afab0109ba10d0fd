"""The process of mixing: its equations by hand, its moves, and rewards from a classifier whose answers are given."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from swift_hydra_kedro.baselines.mixann.mdp import (
    Action,
    MixUpProcess,
    exploration,
    hard_label,
    improvement,
    macro_f1,
    mix,
)
from swift_hydra_kedro.config import MixAnNConfig

X = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [9.0, 0.0], [8.0, 0.0]])
Y = np.array([0, 0, 0, 1, 1])
Y_VAL = np.array([0, 0, 1, 1])


class Scripted:
    """Answers as told: of the validation rows (four) by the number of updates, of the others always the same."""

    validation = ([0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0])
    others = (0.5, 0.25, 0.0, 1.0, 1.0)

    def reset(self):
        self.updates = []

    def update(self, x, y):
        self.updates.append((x, y))

    def probability(self, rows):
        told = self.validation[min(len(self.updates), 2)]
        return np.array([*told, *self.others])[rows]


def process(**settings):
    return MixUpProcess(Scripted(), X, Y, Y_VAL, MixAnNConfig(**settings), np.random.default_rng(0))


def test_eq_1_by_hand():
    np.testing.assert_allclose(mix(np.array([8.0, 4.0]), np.array([0.0, 8.0]), 0.25), [2.0, 7.0])


@pytest.mark.parametrize(("ratio", "label"), [(0.0, 0), (0.299, 0), (0.3, 1), (0.5, 1), (1.0, 1)])
def test_eq_2_calls_a_mixture_by_the_threshold(ratio, label):
    assert hard_label(1, 0, ratio, 0.3) == label


def test_eq_5_by_hand():
    assert improvement(0.8, [0.5, 0.6, 0.7]) == pytest.approx(0.2)


def test_eq_6_by_hand():
    assert exploration(np.array([0.5, 0.1, 1.0])) == pytest.approx((0.25 + 0.09 + 0) / 3)


@pytest.mark.parametrize("seed", range(5))
def test_macro_f1_is_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    truth, flagged = rng.random((2, 30)) < rng.random((2, 1))
    assert macro_f1(truth, flagged) == pytest.approx(f1_score(truth, flagged, average="macro", zero_division=0))


def test_macro_f1_without_a_hit_of_a_class_is_scikit_learns():
    truth = np.array([True, False, False])
    assert macro_f1(truth, ~truth) == 0
    assert macro_f1(truth, np.zeros(3, bool)) == pytest.approx(f1_score(truth, np.zeros(3), average="macro"))


def test_actions_are_scaled_rounded_and_at_least_one():
    config = MixAnNConfig(max_neighbours=10, max_copies=5)
    assert Action.from_unit(np.array([0.26, 0.3, 0.51, 0.7]), config) == (3, 0.3, 3, 0.7)
    assert Action.from_unit(np.zeros(4), config)[::2] == (1, 1)
    assert Action.from_unit(np.ones(4), config)[::2] == (10, 5)


def test_an_episode_starts_at_an_anomaly_and_a_normal_row():
    mixing = process()
    starts = set()
    for _ in range(50):
        mixing.reset()
        starts.add((mixing.anomaly, mixing.normal))
    assert starts == {(anomaly, normal) for anomaly in (3, 4) for normal in (0, 1, 2)}


def test_the_next_pair_is_a_neighbour_of_the_mixture_and_the_nearest_row_with_the_other_label():
    mixing = process()
    for ratio, pairs in ((0.0, {(4, 0)}), (1.0, {(3, 2)})):
        mixing.anomaly, mixing.normal = 3, 0
        mixing.step(Action(1, ratio, 1, 0.0))
        assert {(mixing.anomaly, mixing.normal)} == pairs


def test_neighbours_are_the_k_nearest_real_rows():
    mixing = process()
    assert set(mixing._nearest(np.array([1.2, 0.0]), 2)) == {1, 2}
    assert set(mixing._nearest(np.array([1.2, 0.0]), 99)) == set(range(5))


def test_the_classifier_learns_each_mixture_as_often_as_the_action_says():
    mixing = process()
    mixing.anomaly, mixing.normal = 3, 0
    step = mixing.step(Action(2, 0.25, 3, 0.0))
    (x, y), *_ = mixing.classifier.updates
    np.testing.assert_allclose(x, [[2.25, 0.0]] * 3)
    assert y.tolist() == [0, 0, 0]  # a quarter of an anomaly is none
    assert (step.mixture.anomaly, step.mixture.normal, step.mixture.label) == (3, 0, 0)


F1 = [(2 / 3 + 4 / 5) / 2, 1.0, (2 / 3 + 4 / 5) / 2]  # of Scripted.validation


@pytest.mark.parametrize(
    ("reward", "first", "second"),
    [
        ("full", 10 * (F1[1] - F1[0]) * 0.1875 / 2, 10 * (F1[2] - (F1[0] + F1[1]) / 2) * 0.1875 / 2),
        ("improvement", 10 * (F1[1] - F1[0]), 10 * (F1[2] - (F1[0] + F1[1]) / 2)),
        ("exploration", 10 * 0.1875 / 2, 10 * 0.1875 / 2),
    ],
)
def test_rewards_by_hand(reward, first, second):
    mixing = process(reward=reward)
    rewards = []
    for _ in range(2):
        mixing.anomaly, mixing.normal = 3, 1
        rewards.append(mixing.step(Action(2, 0.12, 1, 0.0)).reward)  # near rows 1 and 2, of P(1) = 0.25 and 0
    assert rewards == pytest.approx([first, second])


def test_a_random_reward_is_uniform():
    mixing = process(reward="random")
    rewards = [mixing.step(Action(2, 0.5, 1, 0.0)).reward for _ in range(200)]
    assert 0 <= min(rewards) < 0.1
    assert 0.9 < max(rewards) <= 1


def test_the_baseline_forgets_what_lies_before_its_window():
    mixing = process(reward="improvement", baseline_window=1, reward_scale=1)
    rewards = [mixing.step(Action(1, 0.5, 1, 0.0)).reward for _ in range(3)]
    assert rewards == pytest.approx([F1[1] - F1[0], F1[2] - F1[1], 0])


def test_a_walk_ends_where_the_action_says():
    mixing = process()
    assert [mixing.step(Action(1, 0.5, 1, epsilon)).ended for epsilon in (0.0, 0.499, 0.5, 1.0)] == [0, 0, 1, 1]


def test_reset_forgets():
    mixing = process()
    mixing.step(Action(1, 0.5, 1, 0.0))
    mixing.reset()
    assert mixing.classifier.updates == []
    assert list(mixing.previous) == pytest.approx(F1[:1])


def test_the_state_is_the_pair_standardised_and_within_bounds():
    x = np.vstack([X, np.zeros((500, 2)), [[1e9, 0]]])
    mixing = MixUpProcess(Scripted(), x, np.array([*Y, *[0] * 501]), Y_VAL, MixAnNConfig(), np.random.default_rng(0))
    mixing.anomaly, mixing.normal = 3, 505
    state = mixing.state()
    assert state.shape == (4,)
    assert np.abs(state).max() == state[2] == 10
    assert (state[[1, 3]] == 0).all()  # a column that does not vary
