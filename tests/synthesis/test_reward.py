import copy

import pytest
import torch

from swift_hydra_kedro.synthesis.density import EntropyAfterAdding, GaussianKDE
from swift_hydra_kedro.synthesis.reward import RewardFunction, Rewards, rewards_of


@pytest.fixture
def reward(rows, pretrained, generator):
    cvae, detector = copy.deepcopy(pretrained.cvae).double(), copy.deepcopy(pretrained.detector).double()
    entropy = EntropyAfterAdding(GaussianKDE(rows.anomalies.double(), 0.5), 50, 3, generator)
    residual = 0.1 * torch.arange(24.0, dtype=torch.float64).reshape(6, 4)
    return RewardFunction(cvae, detector, entropy, 0.7, 1, residual)


@pytest.fixture
def z():
    return torch.randn(6, 3, dtype=torch.float64)


def test_total_discounts_the_entropy_alone():
    rewards = Rewards(torch.tensor([2.0, -4.0]), torch.tensor([1.0, 3.0]), 0.5)
    assert rewards.total.tolist() == [2, 1]
    assert rewards.undecayed.tolist() == [3, -1]


def test_evasion_is_minus_the_log_of_the_detector_s_probability(reward, z):
    x = reward.decode(z)
    torch.testing.assert_close(reward(z).evasion, -torch.log(torch.sigmoid(reward.detector(x))))


def test_evasion_of_a_row_that_the_detector_is_sure_about_is_finite(reward, z):
    with torch.no_grad():
        reward.detector.net.output.bias.fill_(-1e4)
    torch.testing.assert_close(reward(z).evasion, torch.full((6,), 1e4, dtype=torch.float64), rtol=0.01, atol=0)


def test_latents_are_decoded_as_anomalies(reward, z):
    decoded = reward.cvae.decode(z, torch.ones(6, dtype=torch.float64))
    torch.testing.assert_close(reward.decode(z), decoded + reward.residual)


def test_the_reward_of_some_latents_is_that_of_all_at_their_places(reward, z):
    mask = torch.tensor([True, False, True, True, False, False])
    torch.testing.assert_close(reward.at(mask)(z[mask]).total, reward(z).total[mask])


def test_entropy_is_that_of_the_decoded_rows(reward, z):
    torch.testing.assert_close(reward(z).entropy, reward.entropy(reward.decode(z)))


def test_reward_of_latents_is_the_reward_of_their_rows(reward, z):
    torch.testing.assert_close(
        reward(z).total, rewards_of(reward.decode(z), reward.detector, reward.entropy, reward.discount).total
    )


def test_gradient_through_decoder_and_detector_equals_finite_differences(reward, z):
    assert torch.autograd.gradcheck(lambda z: reward(z).total, z.requires_grad_())


def test_theorem_1_a_small_gradient_step_raises_every_reward(reward):
    z = torch.randn(200, 3, dtype=torch.float64, requires_grad=True)
    reward = reward.at(torch.arange(200) % 6)
    before = reward(z).total
    (gradient,) = torch.autograd.grad(before.sum(), z)
    steep = gradient.norm(dim=1) > 1e-8
    assert steep.float().mean() > 0.9
    after = reward(z + 1e-6 * gradient).total
    assert (after > before)[steep].all()
