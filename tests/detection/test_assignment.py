import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swift_hydra_kedro.detection.assignment import assign_clusters, selection_probability

SIZES = st.lists(st.integers(1, 1000), min_size=1, max_size=8)


def shares(sizes, penalty, n_experts=2000):
    chosen = assign_clusters(np.array(sizes), n_experts, penalty, np.random.default_rng(0))
    return np.bincount(chosen, minlength=len(sizes)) / n_experts


def test_probability_is_equation_6_by_hand():
    # n = 2, 0, 1; s = 10, 20, 30, mean 20: exponents -1.5 * 2 / 0.5, 0, -1.5 * 1 / 1.5
    terms = [math.exp(-6), 1, math.exp(-1)]
    actual = selection_probability(np.array([2, 0, 1]), np.array([10, 20, 30]) / 20, 1.5)
    np.testing.assert_allclose(actual, np.array(terms) / sum(terms))


@given(sizes=SIZES, counts=st.data(), penalty=st.floats(0, 1000))
def test_probability_is_a_distribution(sizes, counts, penalty):
    n = counts.draw(st.lists(st.integers(0, 10_000), min_size=len(sizes), max_size=len(sizes)))
    probability = selection_probability(np.array(n), np.array(sizes) / np.mean(sizes), penalty)
    assert (probability >= 0).all()
    assert probability.sum() == pytest.approx(1)


def test_without_penalty_every_cluster_is_as_likely():
    np.testing.assert_allclose(selection_probability(np.array([9, 0, 3]), np.array([0.1, 1, 1.9]), 0), 1 / 3)


def test_without_penalty_draws_are_uniform():
    np.testing.assert_allclose(shares([1, 10, 100], 0), 1 / 3, atol=0.04)


def test_large_clusters_get_more_experts_in_proportion_to_their_size():
    np.testing.assert_allclose(shares([10, 30, 60], 1), [0.1, 0.3, 0.6], atol=0.01)


def test_a_strong_penalty_deals_equal_clusters_out_in_turn():
    chosen = assign_clusters(np.array([5, 5, 5]), 9, 1000, np.random.default_rng(0))
    assert all(len(set(chosen[i : i + 3])) == 3 for i in (0, 3, 6))


@given(sizes=SIZES, factor=st.integers(2, 1000), seed=st.integers(0, 99))
def test_a_larger_table_of_the_same_proportions_is_assigned_alike(sizes, factor, seed):
    drawn = [
        assign_clusters(np.array(sizes) * scale, 20, 1.0, np.random.default_rng(seed)).tolist() for scale in (1, factor)
    ]
    assert drawn[0] == drawn[1]


def test_draws_follow_the_seed():
    draws = [assign_clusters(np.array([1, 2, 3]), 30, 1.0, np.random.default_rng(seed)).tolist() for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


def test_one_cluster_gets_everyone():
    assert assign_clusters(np.array([7]), 3, 1.0, np.random.default_rng(0)).tolist() == [0, 0, 0]
