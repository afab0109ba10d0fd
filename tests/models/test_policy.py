import math

import numpy as np
import pytest
import torch
from scipy import stats

from swift_hydra_kedro.models.policy import INITIAL_SIGMA, LOG_SIGMA_RANGE, Policy, ValueNet


@pytest.fixture
def policy():
    policy = Policy(4, 3, 8)
    torch.nn.init.normal_(policy.head.weight, std=0.3)
    return policy


def test_log_probability_is_that_of_a_gaussian(policy):
    state, action = torch.randn(6, 4), torch.randn(6, 3)
    distribution = policy(state)
    mu, sigma = distribution.mean.detach().numpy(), distribution.stddev.detach().numpy()
    expected = stats.norm.logpdf(action.numpy(), mu, sigma).sum(1)
    np.testing.assert_allclose(distribution.log_prob(action).detach(), expected, rtol=1e-4)


def test_entropy_is_that_of_a_gaussian(policy):
    distribution = policy(torch.randn(6, 4))
    expected = 0.5 * np.log(2 * math.pi * math.e * distribution.variance.detach().numpy()).sum(1)
    np.testing.assert_allclose(distribution.entropy().detach(), expected, rtol=1e-4)


def test_starts_near_no_step_with_the_same_spread_everywhere():
    distribution = Policy(4, 3, 8)(torch.randn(50, 4))
    assert distribution.mean.abs().max() < 0.02
    assert (distribution.stddev - INITIAL_SIGMA).abs().max() < 0.01


def test_spread_depends_on_the_state(policy):
    assert policy(torch.randn(6, 4)).stddev.std(0).min() > 1e-3


@pytest.mark.parametrize(("bias", "log_sigma"), [(100.0, LOG_SIGMA_RANGE[1]), (-100.0, LOG_SIGMA_RANGE[0])])
def test_spread_stays_within_its_range(policy, bias, log_sigma):
    with torch.no_grad():
        policy.head.bias[3:] = bias
    torch.testing.assert_close(policy(torch.randn(6, 4)).stddev, torch.full((6, 3), math.exp(log_sigma)))


def test_value_is_one_number_for_each_state():
    value, state = ValueNet(4, 8), torch.randn(6, 4)
    assert value(state).shape == (6,)
    torch.testing.assert_close(value(state[2:3])[0], value(state)[2])
