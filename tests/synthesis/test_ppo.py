import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from swift_hydra_kedro.config import CVAEConfig, PolicyConfig, SynthesisConfig
from swift_hydra_kedro.synthesis.ppo import PPO, Trajectory, clipped_objective

CONFIG = PolicyConfig(hidden_size=16, minibatch_size=64, learning_rate=3e-3, epochs=4)


def make(seed=0, **settings):
    return PPO(3, 2, CONFIG.model_copy(update=settings), torch.Generator().manual_seed(seed))


def episode(ppo, n=64, reward=lambda state, action: -(action - 1).square().sum(1)):
    state = torch.randn(n, 3)
    action, log_prob = ppo.policy.sample(state, ppo.generator)
    return Trajectory(state, action, log_prob, reward(state, action), torch.zeros(n, dtype=torch.bool))


def replacing(trajectory, mask, action=None, log_prob=None, reward=None):
    """The trajectory with some actions replaced, and what belongs to them."""
    changed = {
        name: torch.where(mask.unsqueeze(1) if old.ndim == 2 else mask, new, old)
        for name, old, new in (
            ("action", trajectory.action, action),
            ("log_prob", trajectory.log_prob, log_prob),
            ("reward", trajectory.reward, reward),
        )
        if new is not None
    }
    return Trajectory(**(vars(trajectory) | changed | {"replaced": mask}))


def weights(ppo):
    return torch.cat([p.detach().flatten() for p in ppo.policy.parameters()])


@given(
    ratio=st.floats(0.05, 5),
    advantage=st.floats(-10, 10),
    clip_ratio=st.floats(0.05, 0.9),
)
def test_clipped_objective_is_the_smaller_of_both_surrogates(ratio, advantage, clip_ratio):
    clipped = max(min(ratio, 1 + clip_ratio), 1 - clip_ratio)
    expected = min(ratio * advantage, clipped * advantage)
    log_ratio = torch.tensor(ratio, dtype=torch.float64).log()
    actual = clipped_objective(log_ratio, torch.tensor(advantage, dtype=torch.float64), clip_ratio)
    assert float(actual) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("ratio", "advantage", "moves"),
    [
        (1.5, 1.0, False),  # already likelier than the bound allows
        (0.5, -1.0, False),  # already unlikelier than the bound allows
        (0.5, 1.0, True),  # to be made likelier again
        (1.5, -1.0, True),  # to be made unlikelier again
        (1.1, 1.0, True),
        (0.9, -1.0, True),
    ],
)
def test_gradient_is_zero_where_clipped_and_there_alone(ratio, advantage, moves):
    log_ratio = torch.tensor(ratio).log().requires_grad_()
    (gradient,) = torch.autograd.grad(clipped_objective(log_ratio, torch.tensor(advantage), 0.2), log_ratio)
    assert float(gradient) == pytest.approx(ratio * advantage if moves else 0)


def test_actions_come_with_their_log_probability():
    ppo, state = make(), torch.randn(5, 3)
    action, log_prob = ppo.policy.sample(state, ppo.generator)
    assert action.shape == (5, 2)
    torch.testing.assert_close(log_prob, ppo.policy(state).log_prob(action))


def test_actions_follow_the_policy():
    ppo = make()
    action, _ = ppo.policy.sample(torch.zeros(4000, 3), ppo.generator)
    distribution = ppo.policy(torch.zeros(1, 3))
    torch.testing.assert_close(action.mean(0), distribution.mean[0], rtol=0, atol=0.02)
    torch.testing.assert_close(action.std(0), distribution.stddev[0], rtol=0.05, atol=0)


def test_mean_reward_rises_on_a_bandit():
    ppo, means = make(), []
    for _ in range(60):
        trajectory = episode(ppo)
        means.append(float(trajectory.reward.mean()))
        ppo.update(trajectory)
    assert means[0] < -1.5
    assert sum(means[-5:]) / 5 > -0.5


def test_policy_learns_to_depend_on_the_state():
    ppo = make()
    for _ in range(80):
        ppo.update(episode(ppo, reward=lambda state, action: -(action - state[:, :2].sign()).square().sum(1)))
    state = torch.randn(200, 3)
    assert (ppo.policy(state).mean.sign() == state[:, :2].sign()).float().mean() > 0.85


def test_value_net_learns_the_standardised_reward():
    ppo = make()
    losses = [ppo.update(episode(ppo, 128, lambda state, _: 100 * state[:, 0]))["value_loss"] for _ in range(60)]
    assert losses[0] > 0.8
    assert losses[-1] < 0.2


def test_rewards_scale_and_offset_change_nothing():
    trajectory = episode(make())
    scaled = replacing(trajectory, torch.ones(64, dtype=torch.bool), reward=1000 * trajectory.reward + 50)
    results = []
    for t in (trajectory, Trajectory(**(vars(scaled) | {"replaced": trajectory.replaced}))):
        ppo = make(1)
        ppo.update(t)
        results.append(weights(ppo))
    torch.testing.assert_close(*results, rtol=1e-3, atol=1e-4)


def test_equal_rewards_move_nothing_to_infinity():
    ppo = make()
    ppo.update(episode(ppo, reward=lambda state, _: torch.full((len(state),), 3.0)))
    assert torch.isfinite(weights(ppo)).all()


def test_replaced_actions_stay_out_of_the_policy_loss():
    base, mask = episode(make()), torch.arange(64) < 20
    rewards = base.reward.clone()
    rewards[:20] = base.reward[:20].flip(0)  # same mean and spread: other advantages for the replaced ones alone
    updated = []
    for trajectory in (
        replacing(base, mask),
        replacing(base, mask, reward=rewards),
        replacing(base, mask, log_prob=base.log_prob - 1),
        replacing(base, mask, action=base.action + 1),
    ):
        ppo = make(imitation_weight=0.0, value_weight=0.0)
        ppo.update(trajectory)
        updated.append(weights(ppo))
    assert not torch.equal(updated[0], weights(make()))
    for other in updated[1:]:
        torch.testing.assert_close(other, updated[0], rtol=1e-4, atol=1e-5)


def test_imitation_raises_the_likelihood_of_replaced_actions_alone():
    base, mask = episode(make()), torch.arange(64) < 20
    trajectory = replacing(base, mask, action=torch.full((64, 2), 0.8), reward=torch.zeros(64))
    flat = Trajectory(**(vars(trajectory) | {"reward": torch.zeros(64)}))  # no advantage: imitation is all there is
    ppo = make(entropy_weight=0.0)
    before = ppo.policy(flat.state).log_prob(flat.action)
    for _ in range(10):
        ppo.update(flat)
    after = ppo.policy(flat.state).log_prob(flat.action)
    assert (after > before)[mask].all()
    assert after[mask].mean() > before[mask].mean() + 1


def test_without_imitation_nothing_is_learnt_of_replaced_actions():
    base = episode(make())
    ppo = make(imitation_weight=0.0, value_weight=0.0, entropy_weight=0.0)
    before = weights(ppo)
    ppo.update(replacing(base, torch.ones(64, dtype=torch.bool), action=base.action + 1))
    torch.testing.assert_close(weights(ppo), before, rtol=0, atol=0)


def test_diagnostics_of_the_first_step_are_those_of_an_unchanged_policy():
    ppo = make(epochs=1)
    trajectory = episode(ppo)
    before = copy.deepcopy(ppo.policy)
    diagnostics = ppo.update(trajectory)
    assert diagnostics["approx_kl"] == pytest.approx(0, abs=1e-6)
    assert diagnostics["clip_fraction"] == 0
    assert diagnostics["imitation_loss"] == 0
    assert diagnostics["policy_entropy"] == pytest.approx(float(before(trajectory.state).entropy().mean().detach()))


def test_later_steps_see_the_policy_move():
    ppo = make(epochs=30)
    diagnostics = ppo.update(episode(ppo))
    assert diagnostics["approx_kl"] > 1e-3
    assert 0 < diagnostics["clip_fraction"] < 1


def test_update_is_reproducible_and_leaves_global_state_alone():
    trajectory, results = episode(make()), []
    before = torch.get_rng_state()
    for seed in (0, 0, 1):
        ppo = make(seed)
        diagnostics = ppo.update(trajectory)
        results.append((weights(ppo), diagnostics))
    assert torch.equal(results[0][0], results[1][0])
    assert results[0][1] == results[1][1]
    assert not torch.equal(results[0][0], results[2][0])
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("old", [-100.0, 100.0])
def test_an_overflowing_probability_ratio_leaves_the_weights_finite(old):
    base, mask = episode(make()), torch.arange(64) == 0
    ppo = make()
    ppo.update(replacing(base, mask, log_prob=torch.full((64,), old)))
    assert torch.isfinite(weights(ppo)).all()


def test_replaced_actions_far_less_likely_than_the_drawn_ones_leave_the_weights_finite():
    ppo = PPO(256, 256, PolicyConfig(), torch.Generator().manual_seed(0))
    state, mask = torch.zeros(64, 256), torch.arange(64) < 8
    action, log_prob = ppo.policy.sample(state, ppo.generator)
    action[mask] = 0  # the latent itself was the best feasible one: 256 draws away from the policy's own
    ppo.update(Trajectory(state, action, log_prob, torch.randn(64), mask))
    assert torch.isfinite(weights(ppo)).all()


def test_the_default_budget_is_enough_to_learn_a_direction():
    loop = SynthesisConfig()
    latent = CVAEConfig().latent_size
    ppo = PPO(latent, latent, loop.policy, torch.Generator().manual_seed(0))
    direction = torch.randn(latent, generator=torch.Generator().manual_seed(1))
    episodes = []
    for _ in range(loop.episodes):
        state = torch.randn(loop.steps_per_episode, latent, generator=ppo.generator)
        action, log_prob = ppo.policy.sample(state, ppo.generator)
        reward = action @ direction
        episodes.append(reward)
        ppo.update(Trajectory(state, action, log_prob, reward, torch.zeros(len(state), dtype=torch.bool)))
    assert episodes[-1].mean() - episodes[0].mean() > 2 * episodes[0].std()
