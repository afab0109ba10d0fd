import logging

import numpy as np
import pytest
import torch
from imblearn.utils.estimator_checks import parametrize_with_checks
from torch.distributions import Categorical

from swift_hydra_kedro.baselines.oversamplers import auto_smote
from swift_hydra_kedro.baselines.oversamplers.auto_smote import (
    MAX_ROWS,
    NEIGHBOURS,
    Anomalies,
    AutoSMOTE,
    Policy,
    Trial,
    allotted,
    learn,
)
from swift_hydra_kedro.baselines.oversamplers.standardisation import Standardisation

RATIOS = (1.0, 0.5, 0.0)


@parametrize_with_checks([AutoSMOTE(episodes=2, random_state=0)])
def test_keeps_imbalanced_learns_rules(estimator, check):
    check(estimator)


def table(n_anomalies, n_normals=60):
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=(n_normals, 2)), rng.normal(2, 2, size=(n_anomalies, 2))])
    return x, np.repeat([0, 1], [n_normals, n_anomalies])


def anomalies_of(rows):
    return Anomalies.of(rows, Standardisation.fit(rows))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("n_anomalies", [2, 5, 40])
def test_rows_made_lie_between_an_anomaly_and_one_of_its_nearest(n_anomalies):
    x, y = table(n_anomalies)
    x_new, _ = AutoSMOTE(episodes=8, random_state=0).fit_resample(x, y)
    old, made = x[y == 1], x_new[len(x) :]
    distance = np.linalg.norm(((old[:, None] - old) / x.std(axis=0)), axis=2)
    near = distance.argsort(axis=1)[:, 1 : NEIGHBOURS + 1]
    start, end = np.repeat(old, near.shape[1], axis=0), old[near.ravel()]
    for row in made:
        detour = np.linalg.norm(row - start, axis=1) + np.linalg.norm(row - end, axis=1)
        assert (detour - np.linalg.norm(start - end, axis=1)).min() < 1e-9


def test_neighbours_are_the_nearest_others_the_nearest_first():
    near = anomalies_of(np.array([[0.0], [1.0], [3.0], [3.0]])).near
    assert near[0].tolist()[0] == 1
    assert near[2].tolist() == [3, 1, 0]
    assert near[3].tolist() == [2, 1, 0]


@pytest.mark.parametrize(
    ("weight", "n", "expected"),
    [
        ([1, 1, 1], 6, [2, 2, 2]),
        ([0, 1, 3], 8, [0, 2, 6]),
        ([0, 0], 3, [2, 1]),
        ([1, 1, 4], 4, [1, 1, 2]),
        ([4, 1, 1], 0, [0, 0, 0]),
    ],
)
def test_rows_are_allotted_by_weight_and_largest_remainder(weight, n, expected):
    start = allotted(torch.tensor(weight), n)
    assert torch.bincount(start, minlength=len(weight)).tolist() == expected


@pytest.fixture
def anomalies():
    return anomalies_of(np.random.default_rng(0).normal(size=(7, 2)))


@pytest.fixture
def policy():
    """A policy that prefers some choices to others."""
    policy = Policy(2, 8, RATIOS)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=seeded()))
    return policy


def test_log_probabilities_are_those_of_torch(policy, anomalies):
    decisions = policy.decide(anomalies, 20, seeded(3))
    ratio, weight, neighbour, part = (Categorical(logits=logits) for logits in policy(anomalies))
    rows = [
        Categorical(logits=choice.logits[decisions.start]).log_prob(chosen).mean()
        for choice, chosen in ((neighbour, decisions.neighbour), (part, decisions.part))
    ]
    expected = ratio.log_prob(decisions.ratio) + weight.log_prob(decisions.weight).mean() + sum(rows)
    torch.testing.assert_close(policy.log_prob(anomalies, decisions), expected)


def test_choices_are_drawn_as_often_as_they_are_probable(policy, anomalies):
    decisions = policy.decide(anomalies, 20_000, seeded(), best_ratio=True)
    for logits, chosen in zip(policy(anomalies)[2:], (decisions.neighbour, decisions.part), strict=True):
        expected = logits.softmax(1)[decisions.start].mean(0)
        torch.testing.assert_close(
            torch.bincount(chosen, minlength=len(expected)) / len(chosen), expected, atol=0.02, rtol=0
        )


def test_an_untrained_policy_has_no_preference_and_makes_all_rows(anomalies):
    policy = Policy(2, 8, RATIOS)
    assert all((logits == 0).all() for logits in policy(anomalies))
    assert len(policy.decide(anomalies, 20, seeded(), best_ratio=True).start) == 20


def test_making_no_row_at_all_has_a_probability_and_an_outcome(policy, anomalies):
    nothing = policy.decide(anomalies, 0, seeded())
    assert anomalies.make(nothing, seeded()).shape == (0, 2)
    assert torch.isfinite(policy.log_prob(anomalies, nothing))


@pytest.mark.parametrize(
    ("reward", "ratio"),
    [(lambda made: float(len(made)), 1.0), (lambda made: -float(len(made)), 0.0)],
    ids=["more", "fewer"],
)
def test_the_rewarded_ratio_is_learned(anomalies, reward, ratio):
    policy = Policy(2, 8, RATIOS)
    learn(policy, anomalies, 20, reward, 800, 0.05, seeded())
    assert policy.ratio.softmax(0)[RATIOS.index(ratio)] > 0.95


def test_the_rewarded_part_of_the_way_is_learned_for_each_anomaly():
    """Of the anomalies 0 and 1, each the other's neighbour, only rows near 1 are worth something."""
    pair, policy = anomalies_of(np.array([[0.0], [1.0]])), Policy(1, 8, (1.0,))
    learn(policy, pair, 20, lambda made: (made > 0.8).mean(), 800, 0.05, seeded())
    _, _, _, part = (logits.softmax(-1) for logits in policy(pair))
    assert part[0, 4] > 0.9
    assert part[1, 0] > 0.9


def test_the_rewarded_neighbour_is_learned():
    """Of three anomalies in a row, rows between the first two are worth something."""
    rows, policy = anomalies_of(np.array([[0.0], [1.0], [10.0]])), Policy(1, 8, (1.0,))
    learn(policy, rows, 20, lambda made: (made < 1).mean(), 800, 0.05, seeded())
    _, _, neighbour, _ = (logits.softmax(-1) for logits in policy(rows))
    assert (neighbour[:2, 0] > 0.9).all()


def test_the_rewarded_anomalies_get_the_rows():
    """Of two pairs of anomalies far apart, each other's only neighbours, rows from the second are worth something."""
    rows = np.array([[0.0], [0.1], [9.0], [9.1]])
    pairs = Anomalies(rows, torch.tensor(rows).float(), torch.tensor([[1], [0], [3], [2]]))
    policy = Policy(1, 8, (1.0,))
    learn(policy, pairs, 40, lambda made: (made > 5).mean(), 800, 0.05, seeded())
    start = torch.cat([policy.decide(pairs, 40, seeded(seed)).start for seed in range(10)])
    assert (start >= 2).float().mean() > 0.9


def trial(n_anomalies=90, n_normals=600, n_samples=510, shift=0.0):
    rng = np.random.default_rng(0)
    minority, majority = rng.normal(shift, 1, size=(n_anomalies, 2)), rng.normal(size=(n_normals, 2))
    return minority, majority, Trial.of(minority, majority, n_samples, np.random.default_rng(1))


def test_rows_held_out_are_a_third_of_both_classes_and_not_trained_on():
    minority, majority, made = trial()
    assert np.bincount(made.label).tolist() == [200, 30]
    for whole, part, label in ((majority, made.majority, 0), (minority, made.minority, 1)):
        both = np.concatenate([part, made.held_out[made.label == label]])
        np.testing.assert_array_equal(np.sort(both, axis=0), np.sort(whole, axis=0))


def test_a_trial_is_balanced_as_the_whole_will_be():
    _, _, made = trial()
    assert len(made.minority) + made.n_samples == len(made.majority)


def test_a_trial_is_bounded():
    _, _, made = trial(n_anomalies=3000, n_normals=9000)
    assert len(made.minority) + len(made.majority) + len(made.held_out) == MAX_ROWS


def test_the_reward_is_highest_where_classes_are_apart():
    (*_, apart), (*_, mixed) = trial(shift=9.0), trial()
    assert apart.reward(apart.minority) == 1.0
    assert mixed.reward(mixed.minority) < 0.5


def test_the_policy_may_make_fewer_rows_than_asked_for():
    x_new, y_new = AutoSMOTE(episodes=8, ratios=(0.5,), random_state=0).fit_resample(*table(10))
    assert len(x_new) == len(y_new) == 70 + 25


def test_too_few_anomalies_are_not_held_out_and_the_log_says_so(caplog):
    with caplog.at_level(logging.WARNING):
        _, y_new = AutoSMOTE(ratios=RATIOS, random_state=0).fit_resample(*table(5))
    assert np.bincount(y_new).tolist() == [60, 60]
    assert "the policy learns nothing" in caplog.text


def test_a_single_anomaly_is_repeated():
    x, y = table(1)
    x_new, _ = AutoSMOTE(random_state=0).fit_resample(x, y)
    assert (x_new[60:] == x[60]).all()


@pytest.mark.parametrize("ratios", [(), (1.5,), (-0.1, 1.0)])
def test_ratios_are_numbers_from_0_to_1(ratios):
    with pytest.raises(ValueError, match="ratios must be numbers from 0 to 1"):
        AutoSMOTE(ratios=ratios).fit_resample(*table(8))


def test_the_policy_learns_on_no_anomaly_that_is_held_out(monkeypatch):
    seen = {}

    def noted(policy, anomalies, n_samples, reward, *settings):
        seen.update(learnt=anomalies.rows, held_out=reward.__self__.held_out[reward.__self__.label == 1])

    monkeypatch.setattr(auto_smote, "learn", noted)
    x, y = table(12)
    AutoSMOTE(random_state=0).fit_resample(x, y)
    both = np.concatenate([seen["learnt"], seen["held_out"]])
    assert len(seen["held_out"]) == 4
    np.testing.assert_array_equal(np.sort(both, axis=0), np.sort(x[y == 1], axis=0))
