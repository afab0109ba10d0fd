import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm

from swift_hydra_kedro.synthesis.density import EntropyAfterAdding, GaussianKDE
from swift_hydra_kedro.synthesis.feasible import VARIANCE_FLOOR, SupportedRange, feasible_latents
from swift_hydra_kedro.synthesis.reward import RewardFunction

LATENTS = arrays(np.float32, (6, 4), elements=st.floats(-100, 100, width=32))


def small_range(quantile=0.9):
    mu = torch.randn(30, 4, generator=torch.Generator().manual_seed(0))
    return SupportedRange.fit(mu, torch.full_like(mu, -2.0), quantile)


@pytest.fixture
def reward(rows, pretrained, generator):
    entropy = EntropyAfterAdding(GaussianKDE(rows.anomalies, 0.5), 50, 3, generator)
    return RewardFunction(
        copy.deepcopy(pretrained.cvae), copy.deepcopy(pretrained.detector), entropy, 0.9, 1, torch.zeros(4)
    )


@pytest.fixture
def supported(rows, pretrained):
    with torch.no_grad():
        return SupportedRange.fit(*pretrained.cvae.encode(rows.anomalies, torch.ones(20)), 0.9)


def test_centre_and_variance_are_those_of_the_aggregate_posterior():
    mu, log_var = torch.randn(2, 50, 3)
    supported = SupportedRange.fit(mu, log_var, 0.99)
    n = 4000
    drawn = torch.cat([m + (v / 2).exp() * torch.randn(n, 3) for m, v in zip(mu, log_var, strict=True)])
    torch.testing.assert_close(supported.centre, mu.mean(0))
    torch.testing.assert_close(supported.variance, drawn.var(0), rtol=0.05, atol=0)


@pytest.mark.parametrize("quantile", [0.9, 0.99])
def test_share_of_gaussian_latents_outside_is_one_minus_the_quantile(quantile):
    z = torch.randn(20_000, 32)
    supported = SupportedRange(torch.zeros(32), torch.ones(32), SupportedRange.fit(z, z, quantile).limit)
    outside = 1 - supported.contains(z).float().mean()
    assert float(outside) == pytest.approx(1 - quantile, rel=0.25)


def test_a_box_per_dimension_would_reject_a_quarter_where_the_ellipsoid_rejects_a_hundredth():
    z = torch.randn(20_000, 32)
    supported = SupportedRange.fit(z, torch.full_like(z, -20.0), 0.99)
    in_box = (supported.standardise(z).abs() <= norm.ppf(0.5 + 0.99 / 2)).all(1)
    assert float(1 - supported.contains(z).float().mean()) == pytest.approx(0.01, abs=0.005)
    assert float(1 - in_box.float().mean()) == pytest.approx(1 - 0.99**32, abs=0.02)


def test_one_anomaly_alone_supports_an_ellipsoid_around_it():
    mu = torch.randn(1, 4)
    supported = SupportedRange.fit(mu, torch.full((1, 4), -20.0), 0.99)
    assert torch.equal(supported.variance, torch.full((4,), VARIANCE_FLOOR))
    assert supported.contains(mu).all()
    assert not supported.contains(mu + 1).any()


def test_squared_distance_is_mahalanobis_with_diagonal_covariance():
    supported, z = small_range(), torch.randn(5, 4)
    difference = z - supported.centre
    expected = torch.einsum("hi,ij,hj->h", difference, torch.diag(1 / supported.variance), difference)
    torch.testing.assert_close(supported.squared_distance(z), expected)


def test_standardised_anomalies_have_centre_zero_and_spread_one():
    mu = 3 + 2 * torch.randn(500, 4)
    supported = SupportedRange.fit(mu, torch.full_like(mu, -30.0), 0.9)
    standard = supported.standardise(mu)
    torch.testing.assert_close(standard.mean(0), torch.zeros(4), rtol=0, atol=1e-5)
    torch.testing.assert_close(standard.std(0, correction=0), torch.ones(4), rtol=0, atol=1e-4)


@given(z=LATENTS)
def test_projection_lands_inside(z):
    supported = small_range()
    assert supported.contains(supported.project(torch.as_tensor(z))).all()


@given(z=LATENTS)
def test_projection_leaves_latents_inside_where_they_are(z):
    supported = small_range()
    inside = supported.centre + torch.as_tensor(z) / 100 * (supported.variance * supported.limit / 4).sqrt()
    torch.testing.assert_close(supported.project(inside), inside, rtol=1e-5, atol=1e-6)


@given(z=LATENTS)
def test_projection_moves_along_the_ray_to_the_surface(z):
    supported, z = small_range(), torch.as_tensor(z)
    outside = z[~supported.contains(z)]
    moved = supported.project(outside)
    torch.testing.assert_close(
        supported.squared_distance(moved), torch.full((len(moved),), supported.limit), rtol=1e-4, atol=0
    )
    ray, expected = moved - supported.centre, outside - supported.centre
    torch.testing.assert_close(
        torch.nn.functional.normalize(ray, dim=1), torch.nn.functional.normalize(expected, dim=1), rtol=1e-3, atol=1e-4
    )


def test_feasible_latents_stay_inside_from_wherever_they_start(reward, supported):
    z = 5 * torch.randn(50, 3)
    found = feasible_latents(z, reward, supported, 20, 0.2)
    assert supported.contains(found).all()
    assert not found.requires_grad


def test_feasible_latents_raise_the_reward_of_nearly_all(reward, supported):
    z = supported.project(torch.randn(100, 3))
    before = reward(z).total
    after = reward(feasible_latents(z, reward, supported, 20, 0.05)).total
    assert (after - before).mean() > 0.05
    assert (after > before).float().mean() > 0.95


def test_a_step_has_the_same_length_whatever_the_gradient(reward, supported):
    z = supported.centre + 0.01 * torch.randn(20, 3)
    moved = (feasible_latents(z, reward, supported, 1, 0.02) - z).norm(dim=1)
    torch.testing.assert_close(moved, torch.full((20,), 0.02), rtol=1e-3, atol=0)


def test_a_step_follows_the_gradient(reward, supported):
    z = (supported.centre + 0.01 * torch.randn(20, 3)).requires_grad_()
    (gradient,) = torch.autograd.grad(reward(z).total.sum(), z)
    moved = feasible_latents(z, reward, supported, 1, 0.02) - z.detach()
    cosine = torch.nn.functional.cosine_similarity(moved, gradient)
    torch.testing.assert_close(cosine, torch.ones(20), rtol=1e-4, atol=0)


def test_start_is_left_as_it_was(reward, supported):
    z = torch.randn(5, 3)
    before = z.clone()
    feasible_latents(z, reward, supported, 3, 0.1)
    assert torch.equal(z, before)
    assert not z.requires_grad
