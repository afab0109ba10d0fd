import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from swift_hydra_kedro.config import AdditiveConfig
from swift_hydra_kedro.detection.stacking import additive_share
from swift_hydra_kedro.models.calibration import OutOfBag


def paths(seed=0, n_normal=90, n_anomalous=10):
    rng = np.random.default_rng(seed)
    y = np.repeat([0.0, 1.0], [n_normal, n_anomalous])
    weight = rng.uniform(0.5, 2, len(y))
    return [OutOfBag(rng.uniform(0.01, 0.99, len(y)), y, weight) for _ in range(2)]


def log_posterior(share, deep, additive, config):
    """Balanced log-likelihood of the labels under the mixed probability, and the log of the share's beta prior."""
    mixed = (1 - share) * deep.probability + share * additive.probability
    rare = min(deep.weight[deep.y == label].sum() for label in (0, 1))
    total = 0.0
    for label, likelihood in ((0, 1 - mixed), (1, mixed)):
        own = deep.y == label
        total += rare * np.average(np.log(likelihood[own]), weights=deep.weight[own])
    prior = config.share * np.log(share) + (1 - config.share) * np.log1p(-share)
    return total + config.share_rows * prior


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("config", [AdditiveConfig(), AdditiveConfig(share=0.6, share_rows=1)])
def test_it_is_the_share_of_the_highest_posterior(seed, config):
    deep, additive = paths(seed)
    best = minimize_scalar(
        lambda s: -log_posterior(s, deep, additive, config), bounds=(1e-6, 1 - 1e-6), method="bounded",
        options={"xatol": 1e-7},
    )  # fmt: skip
    assert additive_share(deep, additive, config) == pytest.approx(best.x, abs=1e-3)


@pytest.mark.parametrize("classes", [(0, 0), (40, 0), (0, 3)])
def test_without_rows_of_both_classes_it_is_what_was_expected(classes):
    deep, additive = paths(0, *classes)
    assert additive_share(deep, additive, AdditiveConfig(share=0.3)) == pytest.approx(0.3)


@given(st.integers(0, 1000), st.floats(0.05, 0.95))
def test_to_swap_the_paths_is_to_swap_the_shares(seed, share):
    deep, additive = paths(seed)
    one = additive_share(deep, additive, AdditiveConfig(share=share))
    other = additive_share(additive, deep, AdditiveConfig(share=1 - share))
    assert one + other == pytest.approx(1, abs=1e-6)
    assert 0 < one < 1
