import logging

import numpy as np
import pytest
import torch
from imblearn.utils.estimator_checks import parametrize_with_checks
from pythae.models import RHVAE, RHVAEConfig
from scipy.stats import kstest

from swift_hydra_kedro.baselines.oversamplers.vae_geometry import Metric, VAEGeometry, hamiltonian_walk

TINY = {"steps": 2, "walk": 1, "leapfrogs": 1}


@parametrize_with_checks([VAEGeometry(**TINY, random_state=0)])
def test_keeps_imbalanced_learns_rules(estimator, check):
    check(estimator)


@pytest.fixture
def model():
    """A model of `pythae`'s with 6 codes and their matrices put in, as after training."""
    generator = torch.Generator().manual_seed(0)
    model = RHVAE(RHVAEConfig(input_dim=(4,), latent_dim=3, temperature=0.7, regularization=0.1))
    root = torch.randn(6, 3, 3, generator=generator).tril()
    model.M.append(root @ root.mT)
    model.centroids.append(torch.randn(6, 3, generator=generator))
    model.update()
    return model


@pytest.fixture
def codes():
    return torch.randn(5, 3, generator=torch.Generator().manual_seed(1))


def inverse_of(metric, codes):
    return metric._inverse(metric._weights(codes))


def test_the_metric_is_the_papers_sum(model, codes):
    inverse = inverse_of(Metric.of(model), codes)
    for z, actual in zip(codes, inverse, strict=True):
        expected = 0.1 * torch.eye(3)
        for matrix, c in zip(model.M_tens, model.centroids_tens, strict=True):
            expected += matrix * torch.exp(-((z - c) ** 2).sum() / 0.7**2)
        torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)


def test_the_metric_is_the_librarys(model, codes):
    torch.testing.assert_close(inverse_of(Metric.of(model), codes), model.G_inv(codes), rtol=1e-4, atol=1e-5)


def test_the_volume_and_its_gradient_are_those_of_the_librarys_metric(model, codes):
    volume, gradient = Metric.of(model).log_volume(codes)
    z = codes.clone().requires_grad_()
    expected = torch.logdet(model.G_inv(z)) / 2
    expected.sum().backward()
    torch.testing.assert_close(volume, expected.detach(), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(gradient, z.grad, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("size", [1, 2])
def test_chains_follow_the_volume(size):
    """Around one centroid and without lambda, the volume is that of a normal density of variance T^2 / size."""
    metric = Metric(2 * torch.eye(size)[None], torch.full((1, size), 3.0), temperature=1.5, regularisation=1e-12)
    generator = torch.Generator().manual_seed(0)
    z = hamiltonian_walk(metric, metric.centroids.expand(1000, size), 30, 5, 0.4, generator)
    for column in ((z - 3) / (1.5 / size**0.5)).T:
        assert kstest(column, "norm").pvalue > 0.01


def table(n_anomalies, n_normals=100):
    rng = np.random.default_rng(0)
    anomalies = rng.normal(size=(n_anomalies, 3)) @ [[1, 0.8, 0], [0, 0.6, 0], [0, 0, 0.5]] + [3, -2, 1]
    x = np.concatenate([rng.normal(size=(n_normals, 3)), anomalies])
    return x, np.repeat([0, 1], [n_normals, n_anomalies])


def test_rows_made_have_the_minoritys_mean_and_spread(capfd):
    x, y = table(40, 200)
    x_new, _ = VAEGeometry(random_state=0).fit_resample(x, y)
    minority, made = x[200:], x_new[240:]
    np.testing.assert_allclose(made.mean(axis=0), minority.mean(axis=0), atol=0.3)
    np.testing.assert_allclose(made.std(axis=0), minority.std(axis=0), rtol=0.4)
    assert np.corrcoef(made.T)[0, 1] == pytest.approx(np.corrcoef(minority.T)[0, 1], abs=0.2)
    assert capfd.readouterr() == ("", "")


def test_of_two_anomalies_it_makes_rows_about_the_line_between_them():
    x, y = table(2)
    x_new, _ = VAEGeometry(random_state=0).fit_resample(x, y)
    (a, b), made = x[100:], x_new[102:]
    detour = np.linalg.norm(made - a, axis=1) + np.linalg.norm(made - b, axis=1) - np.linalg.norm(a - b)
    assert np.median(detour) < 0.2 * np.linalg.norm(a - b)


def test_a_single_anomaly_is_repeated_and_the_log_says_so(caplog):
    x, y = table(1)
    with caplog.at_level(logging.WARNING):
        x_new, y_new = VAEGeometry(random_state=0).fit_resample(x, y)
    assert np.bincount(y_new).tolist() == [100, 100]
    assert (x_new[100:] == x[100]).all()
    assert "repeated instead" in caplog.text


def test_more_rows_than_its_limit_are_repeats_and_the_log_says_so(caplog):
    x, y = table(5)
    with caplog.at_level(logging.WARNING):
        x_new, y_new = VAEGeometry(**TINY, max_distinct=10, random_state=0).fit_resample(x, y)
    assert np.bincount(y_new).tolist() == [100, 100]
    assert len(np.unique(x_new[105:], axis=0)) == 10
    assert "10 of the 95 rows made are distinct" in caplog.text


def test_values_far_out_and_constant_columns_make_finite_rows():
    x, y = table(5)
    x[-1], x[:, 1] = 1e5, 0.1
    x_new, _ = VAEGeometry(**TINY, random_state=0).fit_resample(x, y)
    assert np.isfinite(x_new).all()
    assert (x_new[:, 1] == 0.1).all()


def test_the_global_random_state_is_neither_read_nor_moved():
    made = []
    for _ in range(2):
        torch.rand(1)
        before = torch.random.get_rng_state()
        made.append(VAEGeometry(**TINY, random_state=0).fit_resample(*table(5))[0])
        assert torch.equal(torch.random.get_rng_state(), before)
    np.testing.assert_array_equal(*made)


@pytest.mark.parametrize("setting", [{"steps": 0}, {"noise": 0.0}, {"latent_size": 0}, {"regularisation": -1.0}])
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(ValueError, match=f"'{next(iter(setting))}' parameter of VAEGeometry must be"):
        VAEGeometry(**setting).fit_resample(*table(3))
