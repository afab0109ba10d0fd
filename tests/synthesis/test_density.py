"""The KDE against scikit-learn's, and the rank-one update against refits and a grid."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from sklearn.neighbors import KernelDensity

from swift_hydra_kedro.synthesis.density import EntropyAfterAdding, GaussianKDE


def points(n=12, n_features=3):
    return torch.randn(n, n_features, dtype=torch.float64)


def refitted(kde, candidate):
    """The KDE of the anomalies and the candidate, fitted anew."""
    return GaussianKDE(torch.cat([kde.points, candidate.reshape(1, -1)]), kde.bandwidth)


def entropy_on_a_grid(kde):
    """`-integral p log p` in one dimension, by the trapezoid rule."""
    grid = torch.linspace(-15, 15, 6001, dtype=torch.float64)
    log_p = kde.log_density(grid.unsqueeze(1))
    return float(-torch.trapezoid(log_p.exp() * log_p, grid))


@pytest.mark.parametrize(("n", "n_features"), [(1, 1), (12, 3), (40, 200)])
@pytest.mark.parametrize("bandwidth", [0.1, 0.5, 2.0])
def test_log_density_is_scikit_learn_s(n, n_features, bandwidth):
    x, queries = points(n, n_features), 2 * points(20, n_features)
    expected = KernelDensity(bandwidth=bandwidth).fit(x.numpy()).score_samples(queries.numpy())
    np.testing.assert_allclose(GaussianKDE(x, bandwidth).log_density(queries), expected, rtol=1e-8)


def test_density_integrates_to_one():
    kde = GaussianKDE(points(7, 1), 0.3)
    grid = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    mass = torch.trapezoid(kde.log_density(grid.unsqueeze(1)).exp(), grid)
    assert float(mass) == pytest.approx(1, abs=1e-6)


def test_far_away_the_log_density_stays_finite():
    kde = GaussianKDE(points(), 0.1)
    assert torch.isfinite(kde.log_density(torch.full((1, 3), 1e4, dtype=torch.float64))).all()


def test_silverman_s_rule():
    x = points(50)
    expected = 1.06 * np.mean([np.std(column) for column in x.numpy().T]) * 50**-0.2
    assert GaussianKDE(x, "silverman").bandwidth == pytest.approx(expected)


def test_silverman_s_rule_has_a_floor_for_a_single_point():
    assert GaussianKDE(points(1), "silverman").bandwidth > 0


def test_samples_follow_the_density(generator):
    kde = GaussianKDE(torch.tensor([[-2.0], [0.0], [3.0]]), 0.5)
    drawn = kde.sample(2000, generator).flatten().numpy()

    def cdf(x):
        return np.mean([stats.norm.cdf(x, m, 0.5) for m in (-2, 0, 3)], axis=0)

    assert stats.kstest(drawn, cdf).pvalue > 0.01


def test_noise_follows_the_kernel(generator):
    drawn = GaussianKDE(torch.zeros(1, 2), 0.3).noise(2000, generator)
    assert stats.kstest(drawn.flatten().numpy(), stats.norm(0, 0.3).cdf).pvalue > 0.01


@given(
    a=arrays(np.float64, (4, 3), elements=st.floats(-10, 10)),
    b=arrays(np.float64, (5, 3), elements=st.floats(-10, 10)),
)
def test_log_kernel_is_that_of_the_definition(a, b):
    expected = stats.norm(0, 0.5).logpdf(a[:, None] - b[None]).sum(-1)
    actual = GaussianKDE(points(), 0.5).log_kernel(torch.as_tensor(a), torch.as_tensor(b))
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("bandwidth", [0.2, 0.5, 1.5])
@pytest.mark.parametrize("n", [1, 12])
def test_update_equals_a_refit_on_the_same_points(generator, bandwidth, n):
    kde = GaussianKDE(points(n), bandwidth)
    entropy = EntropyAfterAdding(kde, 50, 4, generator)
    candidates = 2 * points(6)
    expected = []
    for candidate in candidates:
        new = refitted(kde, candidate)
        at_samples = new.log_density(entropy.samples).mean()
        around = new.log_density(candidate + entropy.noise).mean()
        expected.append(-(n * at_samples + around) / (n + 1))
    torch.testing.assert_close(entropy(candidates), torch.stack(expected))


@pytest.mark.parametrize("candidate", [-4.0, 0.2, 1.0, 6.0])
def test_update_equals_numerical_integration_in_one_dimension(generator, candidate):
    kde = GaussianKDE(torch.tensor([[-1.0], [0.0], [0.3], [2.0]], dtype=torch.float64), 0.5)
    x = torch.tensor([[candidate]], dtype=torch.float64)
    estimate = float(EntropyAfterAdding(kde, 20_000, 2000, generator)(x))
    assert estimate == pytest.approx(entropy_on_a_grid(refitted(kde, x)), abs=0.02)


def test_few_noise_samples_are_enough_to_rank_candidates_as_the_grid_does(generator):
    kde = GaussianKDE(torch.tensor([[-1.0], [0.0], [0.3], [2.0]], dtype=torch.float64), 0.5)
    x = torch.tensor([[0.1], [1.2], [3.0], [5.0]], dtype=torch.float64)
    estimates = EntropyAfterAdding(kde, 300, 4, generator)(x)
    exact = torch.tensor([entropy_on_a_grid(refitted(kde, candidate)) for candidate in x])
    assert estimates.argsort().tolist() == exact.argsort().tolist()


def test_current_entropy_equals_numerical_integration(generator):
    kde = GaussianKDE(points(5, 1), 0.5)
    assert EntropyAfterAdding(kde, 20_000, 1, generator).current() == pytest.approx(entropy_on_a_grid(kde), abs=0.02)


def test_entropy_of_one_point_is_the_kernel_s_closed_form(generator):
    entropy = EntropyAfterAdding(GaussianKDE(points(1), 0.5), 20_000, 1, generator)
    closed_form = 1.5 * math.log(2 * math.pi * math.e * 0.25)
    assert entropy.current() == pytest.approx(closed_form, abs=0.03)


def test_gradient_in_the_candidate_equals_finite_differences(generator):
    entropy = EntropyAfterAdding(GaussianKDE(points(), 0.5), 20, 3, generator)
    assert torch.autograd.gradcheck(entropy, points(4).requires_grad_())


def test_candidates_do_not_see_each_other(generator):
    entropy, candidates = EntropyAfterAdding(GaussianKDE(points(), 0.5), 50, 4, generator), points(5)
    torch.testing.assert_close(entropy(candidates)[2:3], entropy(candidates[2:3]))


def test_a_far_candidate_raises_the_entropy_and_a_central_one_less(generator):
    x = points(30)
    entropy = EntropyAfterAdding(GaussianKDE(x, 0.5), 300, 4, generator)
    central, far = entropy(torch.stack([x.mean(0), x.mean(0) + 5]))
    assert far > entropy.current()
    assert far > central + 0.05


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_two_hundred_features_stay_finite_in_value_and_gradient(generator, dtype):
    x = torch.randn(40, 200, dtype=dtype)
    entropy = EntropyAfterAdding(GaussianKDE(x, 0.5), 300, 4, generator)
    candidates = torch.cat([x[:2], 10 * torch.randn(3, 200, dtype=dtype)]).requires_grad_()
    values = entropy(candidates)
    (gradient,) = torch.autograd.grad(values.sum(), candidates)
    assert torch.isfinite(values).all()
    assert torch.isfinite(gradient).all()


def test_single_precision_agrees_with_double(generator):
    x, candidates = points(30, 50), 2 * points(5, 50)
    values = []
    for dtype in (torch.float32, torch.float64):
        kde = GaussianKDE(x.to(dtype), 0.5)
        values.append(EntropyAfterAdding(kde, 100, 4, torch.Generator().manual_seed(0))(candidates.to(dtype)).double())
    torch.testing.assert_close(*values, rtol=1e-4, atol=1e-4)


def test_silverman_on_a_single_point_agrees_in_both_precisions():
    point = 3 * torch.randn(1, 30)
    near = point + 1e-3
    single, double = GaussianKDE(point, "silverman"), GaussianKDE(point.double(), "silverman")
    expected = float(double.log_density(near.double()))
    assert float(single.log_density(near)) == pytest.approx(expected, rel=1e-2)


def test_the_noise_s_own_kernel_does_not_depend_on_where_the_anomalies_are(generator):
    entropy = EntropyAfterAdding(GaussianKDE(500 + torch.randn(20, 100), 0.5), 50, 3, generator)
    expected = stats.norm(0, 0.5).logpdf(entropy.noise.double()).sum(1)
    np.testing.assert_allclose(entropy.log_kernel_noise, expected, rtol=1e-5)
