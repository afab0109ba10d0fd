from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from swift_hydra_kedro.config import AdditiveConfig
from swift_hydra_kedro.detection.stacking import Opinions, additive_share, network_weights, worth_of_neighbours
from swift_hydra_kedro.models.calibration import OutOfBag


def path(signal, n_normal=300, n_anomalous=30, seed=0):
    rng = np.random.default_rng(seed)
    y = np.repeat([0.0, 1.0], [n_normal, n_anomalous])
    return OutOfBag(1 / (1 + np.exp(-rng.normal(signal * (y - 0.5)))), y, np.ones(len(y)))


def auc(deep, additive, share):
    return roc_auc_score(deep.y, (1 - share) * deep.probability + share * additive.probability)


def test_the_better_path_gets_the_larger_share():
    good, useless = path(3.0), path(0.0, seed=1)
    assert additive_share(useless, good, AdditiveConfig()) > 0.6
    assert additive_share(good, useless, AdditiveConfig()) < 0.2


def test_two_equally_good_paths_are_better_together():
    deep, additive = path(1.5), path(1.5, seed=1)
    share = additive_share(deep, additive, AdditiveConfig())
    assert auc(deep, additive, share) > max(auc(deep, additive, 0), auc(deep, additive, 1)) + 0.02


def test_what_may_be_luck_moves_it_little():
    good, useless = path(1.0, 30, 3), path(0.0, 30, 3, seed=1)
    shares = [additive_share(useless, good, AdditiveConfig(share=0.3, caution=c)) for c in (0.0, 3.0, 1e3)]
    assert shares[0] > shares[1] > shares[2] == pytest.approx(0.3)


@pytest.mark.parametrize("classes", [(0, 0), (40, 0), (0, 3)])
def test_without_rows_of_both_classes_it_is_what_was_expected(classes):
    deep, additive = path(1.0, *classes), path(2.0, *classes)
    assert additive_share(deep, additive, AdditiveConfig(share=0.37)) == 0.37


@given(st.integers(0, 1000), st.sampled_from([0.25, 0.5, 0.8]))
def test_it_is_never_worse_than_what_was_expected(seed, expected):
    deep, additive = path(0.5, 60, 6, seed), path(1.0, 60, 6, seed + 1)
    share = additive_share(deep, additive, AdditiveConfig(share=expected))
    assert auc(deep, additive, share) >= auc(deep, additive, expected)


def test_where_little_is_left_to_gain_little_counts():
    deep, useless = path(6.0), path(0.0, seed=1)  # deep ranks nearly all rows right
    assert 0 < auc(deep, useless, 0.0) - auc(deep, useless, 0.3) < 0.001
    assert additive_share(deep, useless, AdditiveConfig(share=0.3)) < 0.2


def opinions(signals, not_drawn=None, n_anomalous=30):
    paths = [path(signal, n_anomalous=n_anomalous, seed=seed) for seed, signal in enumerate(signals)]
    probability = np.stack([one.probability for one in paths])
    everything = np.ones(probability.shape, bool)
    return Opinions(probability, everything if not_drawn is None else not_drawn, paths[0].y, paths[0].weight)


def test_networks_weigh_by_what_they_rank_right():
    said = opinions([0.5, 2.0, 4.0])
    weight = network_weights(said, 2.5)
    assert weight[0] < weight[1] < weight[2]
    assert weight.sum() == pytest.approx(1)
    aucs = [roc_auc_score(said.y, p) for p in said.probability]
    assert np.log(weight[2] / weight[0]) == pytest.approx(2.5 * np.sqrt(30) * (aucs[2] - aucs[0]))
    np.testing.assert_allclose(network_weights(said, 0.0), 1 / 3)


def test_what_a_network_has_drawn_does_not_speak_for_it():
    said = opinions([2.0, 2.0])
    said.not_drawn[0, ::2] = False
    said.probability[0, ::2] = said.y[::2]  # learnt by heart
    changed = opinions([2.0, 2.0], said.not_drawn)
    np.testing.assert_allclose(network_weights(said, 2.5), network_weights(changed, 2.5))


def test_a_network_that_has_drawn_all_anomalies_counts_as_an_average_one():
    said = opinions([0.5, 2.0, 4.0])
    said.not_drawn[1, said.y == 1] = False
    weight = network_weights(said, 2.5)
    assert weight[1] == pytest.approx(np.sqrt(weight[0] * weight[2]))
    said.not_drawn[:, said.y == 1] = False
    np.testing.assert_allclose(network_weights(said, 2.5), 1 / 3)


def test_the_mean_leaves_out_who_has_drawn_a_row_and_rows_that_all_have_drawn():
    not_drawn = np.array([[True, True, False, False], [True, False, True, False]])
    said = Opinions(np.array([[0.2] * 4, [0.8] * 4]), not_drawn, np.array([0, 0, 1, 1]), np.arange(4.0))
    mean = said.mean(np.array([0.75, 0.25]))
    np.testing.assert_allclose(mean.probability, [0.35, 0.2, 0.8])
    assert mean.y.tolist() == [0, 0, 1]
    assert mean.weight.tolist() == [0, 1, 2]
    assert mean.blind is None


def test_the_mean_of_those_that_see_no_neighbours_is_unknown_where_all_of_them_have_drawn_a_row():
    not_drawn = np.array([[True, True, False], [True, False, True]])
    said = Opinions(np.array([[0.2] * 3, [0.8] * 3]), not_drawn, np.array([0, 0, 1]), np.ones(3))
    blind = said.mean(np.array([0.5, 0.5]), blind=np.array([False, True])).blind
    np.testing.assert_allclose(blind, [0.8, np.nan, 0.8])


def out_of_bag(seed=0, n_normal=200, n_anomalous=20):
    draw = np.random.default_rng(seed)
    y = np.repeat([0, 1], [n_normal, n_anomalous])
    probability, blind = draw.random((2, len(y))).round(2) * 0.8 + 0.2 * y  # with ties
    return OutOfBag(probability, y, draw.random(len(y)) * (y == 0) + (y == 1), blind)


@given(st.integers(0, 100))
def test_neighbours_are_worth_a_difference_of_auc_roc_and_two_standard_errors(seed):
    rows = out_of_bag(seed)
    n_bags, draw = 400, np.random.default_rng(seed)
    normal, anomalous = (np.flatnonzero(rows.y == label) for label in (0, 1))

    def gain(chosen):
        y, weight = rows.y[chosen], rows.weight[chosen]
        each = (roc_auc_score(y, said[chosen], sample_weight=weight) for said in (rows.probability, rows.blind))
        return next(each) - next(each)

    of_each = [gain(np.r_[normal, anomaly]) for anomaly in anomalous]  # AUC-ROC is the mean over anomalies
    assert np.mean(of_each) == pytest.approx(gain(np.arange(len(rows.y))))
    bags = draw.choice(of_each, (n_bags, len(anomalous))).mean(axis=1)
    found = worth_of_neighbours(rows) - np.mean(of_each)
    assert found == pytest.approx(2 * np.std(bags), rel=0.2)


def test_neighbours_whose_networks_say_the_same_are_worth_nothing():
    rows = out_of_bag()
    assert worth_of_neighbours(replace(rows, blind=rows.probability)) == 0


@pytest.mark.parametrize("label", [0, 1])
def test_without_evidence_neighbours_may_be_worth_anything(label):
    rows = out_of_bag()
    blind = np.where(rows.y == label, np.nan, rows.blind)
    assert worth_of_neighbours(replace(rows, blind=blind)) == np.inf
    assert worth_of_neighbours(replace(rows, blind=None)) == np.inf
