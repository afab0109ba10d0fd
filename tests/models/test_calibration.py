"""Platt's sigmoid against known maps, and where there is next to nothing to fit it to."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from swift_hydra_kedro.evaluation.metrics import expected_calibration_error
from swift_hydra_kedro.models.calibration import MIN_SLOPE, Calibration, OutOfBag


def rows(n=20_000, slope=1.7, intercept=-2.5, seed=0):
    """Probabilities whose true ones are known: `sigmoid(slope * logit(p) + intercept)`."""
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 2, n)
    y = (rng.random(n) < expit(slope * logit(p) + intercept)).astype(float)
    return OutOfBag(p, y, np.ones(n))


def test_the_true_map_is_found():
    found = Calibration.fit(rows(), 0.1)
    assert float(found.slope) == pytest.approx(1.7, rel=0.05)
    assert float(found.intercept) == pytest.approx(-2.5, rel=0.05)


def test_calibration_error_falls():
    training, new = rows(), rows(seed=1)
    calibrated = Calibration.fit(training, 0.1)(torch.as_tensor(new.probability)).numpy()
    before, after = (expected_calibration_error(new.y, p) for p in (new.probability, calibrated))
    assert after < 0.02 < 0.2 < before


def test_a_weight_counts_as_so_many_rows():
    few = rows(2000)
    weight = np.where(few.y == 1, 1.0, 3.0)
    repeated = np.repeat(np.arange(len(few.y)), weight.astype(int))
    weighted = Calibration.fit(OutOfBag(few.probability, few.y, weight), 0.1)
    copied = Calibration.fit(OutOfBag(few.probability[repeated], few.y[repeated], np.ones(len(repeated))), 0.1)
    assert float(weighted.intercept) == pytest.approx(float(copied.intercept), abs=0.02)
    assert float(weighted.slope) == pytest.approx(float(copied.slope), abs=0.02)


def test_with_one_class_only_the_share_of_anomalies_is_set_right():
    alone = OutOfBag(np.full(50, 0.1), np.zeros(50), np.ones(50))
    found = Calibration.fit(alone, 0.02)
    assert float(found(torch.tensor([0.5], dtype=torch.float64))) == pytest.approx(0.02, rel=1e-5)
    assert float(found.slope) == 1


def test_a_few_anomalies_without_an_error_are_not_taken_for_certainty():
    p = np.r_[np.full(100, 0.1), np.full(3, 0.9)]
    found = Calibration.fit(OutOfBag(p, (p > 0.5).astype(float), np.ones(len(p))), 0.03)
    assert float(found.slope) < 3
    assert 0.5 < float(found(torch.tensor([0.9], dtype=torch.float64))) < 0.99


def test_where_the_ranking_is_upside_down_it_is_kept():
    upside_down = rows(slope=-2.0, intercept=-1.0)
    assert float(Calibration.fit(upside_down, 0.1).slope) == pytest.approx(MIN_SLOPE)


@given(st.floats(MIN_SLOPE, 20), st.floats(-10, 10))
def test_the_map_is_increasing_and_stays_within_0_and_1(slope, intercept):
    p = torch.cat([torch.zeros(1), torch.linspace(1e-3, 1 - 1e-3, 50), torch.ones(1)]).double()
    calibrated = Calibration(slope, intercept)(p)
    assert (calibrated.diff() >= 0).all()
    assert ((calibrated >= 0) & (calibrated <= 1)).all()


def test_unless_fitted_nothing_changes():
    p = torch.linspace(0, 1, 101, dtype=torch.float64)
    torch.testing.assert_close(Calibration()(p), p, rtol=1e-6, atol=1e-9)
