import math

import numpy as np
import pytest
import torch
from imblearn.utils.estimator_checks import parametrize_with_checks

from swift_hydra_kedro.baselines.oversamplers.oversampling_gan import (
    OversamplingGAN,
    discriminator_loss,
    generator_loss,
)


@parametrize_with_checks([OversamplingGAN(steps=2, device="cpu", random_state=0)])
def test_keeps_imbalanced_learns_rules(estimator, check):
    check(estimator)


def logits(*probabilities):
    return torch.logit(torch.tensor(probabilities, dtype=torch.float64)).unsqueeze(1)


def test_the_discriminator_is_charged_for_both_kinds_of_rows():
    loss = discriminator_loss(logits(0.8, 0.5), logits(0.3, 0.1))
    assert float(loss) == pytest.approx(-(math.log(0.8) + math.log(0.5) + math.log(0.7) + math.log(0.9)) / 2)


def test_the_generator_is_charged_for_rows_that_do_not_pass():
    assert float(generator_loss(logits(0.3, 0.1))) == pytest.approx(-(math.log(0.3) + math.log(0.1)) / 2)


def test_losses_stay_finite_where_probabilities_are_0():
    sure = torch.tensor([[1e4]])
    assert float(discriminator_loss(-sure, sure)) == 2e4
    assert float(generator_loss(-sure)) == 1e4


@pytest.fixture(scope="module")
def normal_class():
    """A correlated normal minority aside of the majority, its rows and those made of it."""
    rng = np.random.default_rng(0)
    minority = rng.normal(size=(100, 2)) @ [[1.0, 0.8], [0.0, 0.6]] + [3, -2]
    x = np.concatenate([rng.normal(size=(500, 2)), minority])
    x_new, _ = OversamplingGAN(device="cpu", random_state=0).fit_resample(x, np.repeat([0, 1], [500, 100]))
    return minority, x_new[600:]


def test_rows_made_have_the_minoritys_mean_and_spread(normal_class):
    minority, made = normal_class
    np.testing.assert_allclose(made.mean(axis=0), minority.mean(axis=0), atol=0.3)
    np.testing.assert_allclose(made.std(axis=0), minority.std(axis=0), rtol=0.35)


def test_rows_made_have_the_minoritys_correlation(normal_class):
    minority, made = (np.corrcoef(rows.T)[0, 1] for rows in normal_class)
    assert made == pytest.approx(minority, abs=0.2)


def test_rows_made_are_new(normal_class):
    minority, made = normal_class
    assert len(np.unique(made, axis=0)) == len(made)
    assert not (made[:, None] == minority).all(axis=2).any()


def test_a_constant_column_stays_so():
    x = np.random.default_rng(0).normal(size=(60, 3))
    x[:, 1] = 0.1
    x_new, _ = OversamplingGAN(steps=5, device="cpu", random_state=0).fit_resample(x, np.repeat([0, 1], [50, 10]))
    assert (x_new[:, 1] == 0.1).all()


def test_more_rows_than_are_made_at_a_time():
    x = np.random.default_rng(0).normal(size=(9000, 2))
    x_new, y_new = OversamplingGAN(steps=1, device="cpu", random_state=0).fit_resample(x, np.arange(9000) == 0)
    assert np.bincount(y_new).tolist() == [8999, 8999]
    assert np.isfinite(x_new).all()


@pytest.mark.parametrize("setting", [{"steps": 0}, {"batch_size": 1}, {"learning_rate": 0.0}, {"device": "tpu"}])
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(ValueError, match=f"'{next(iter(setting))}' parameter of OversamplingGAN must be"):
        OversamplingGAN(**setting).fit_resample(np.eye(4), [0, 0, 0, 1])
