import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from swift_hydra_kedro.config import AdditiveConfig
from swift_hydra_kedro.detection.stacking import additive_share
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
    shares = [additive_share(useless, good, AdditiveConfig(share=0.3, caution=c)) for c in (0.0, 0.5, 1e3)]
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
