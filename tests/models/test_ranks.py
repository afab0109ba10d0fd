"""Ranks against scipy's, and what becomes of values between and beyond those of the training rows."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from swift_hydra_kedro.models.ranks import UNIFORM_STD, Ranks


def share_of_rows(ranks: torch.Tensor) -> np.ndarray:
    return ranks.numpy() * UNIFORM_STD


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=40))
def test_of_training_rows_they_are_the_mid_ranks(values):
    x = np.array(values, dtype=np.float32)[:, None]
    expected = (rankdata(x[:, 0]) - 0.5) / len(x)
    found = share_of_rows(Ranks.fit(x)(torch.as_tensor(x)))[:, 0]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_with_many_values_they_are_near_the_mid_ranks_and_rise():
    x = np.random.default_rng(0).lognormal(size=(5000, 2)).astype(np.float32)
    found = share_of_rows(Ranks.fit(x)(torch.as_tensor(x)))
    np.testing.assert_allclose(found, (rankdata(x, axis=0) - 0.5) / len(x), atol=2e-3)
    assert (np.diff(found[x[:, 0].argsort(), 0]) >= 0).all()


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_beside_a_value_that_many_rows_share_they_are_as_near_the_mid_ranks(share):
    r = np.random.default_rng(0)
    x = np.where(r.random((5000, 1)) < share, r.lognormal(sigma=2, size=(5000, 1)), 0).astype(np.float32)
    found = share_of_rows(Ranks.fit(x)(torch.as_tensor(x)))
    np.testing.assert_allclose(found, (rankdata(x, axis=0) - 0.5) / len(x), atol=2e-3)


def test_features_may_have_different_numbers_of_values():
    x = np.array([[0, 5, 1], [1, 5, 2], [0, 5, 3], [1, 5, 4]], dtype=np.float32)
    expected = (rankdata(x, axis=0) - 0.5) / 4
    np.testing.assert_allclose(share_of_rows(Ranks.fit(x)(torch.as_tensor(x))), expected, atol=1e-6)


@pytest.mark.parametrize(("value", "expected"), [(0.5, 0.5), (0.25, 0.375), (-7, 0.25), (7, 0.75)])
def test_between_two_values_they_are_interpolated_and_beyond_they_are_the_last(value, expected):
    ranks = Ranks.fit(np.array([[0.0], [1.0]], dtype=np.float32))
    assert share_of_rows(ranks(torch.tensor([[value]], dtype=torch.float32)))[0, 0] == pytest.approx(expected)


@pytest.mark.parametrize("n_values", [1, 2, 3])
def test_no_rows_have_no_ranks(n_values):
    x = np.arange(n_values, dtype=np.float32)[:, None].repeat(2, axis=1)
    assert Ranks.fit(x)(torch.empty(0, 2)).shape == (0, 2)
