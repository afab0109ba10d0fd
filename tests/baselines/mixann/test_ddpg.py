"""DDPG against bandits whose best actions are known, and its parts against closed forms."""

import math

import pytest
import torch
from torch import nn

from swift_hydra_kedro.baselines.mixann.ddpg import DDPG, Actor, ReplayBuffer, Transitions, polyak_average
from swift_hydra_kedro.config import DDPGConfig

RATES = {"actor_learning_rate": 2e-3, "critic_learning_rate": 5e-3}


def transition(i, state_size=2):
    state = torch.full((state_size,), float(i))
    return state, torch.tensor([i / 10]), float(i), state + 1, i % 2 == 0


def trained(reward, n_steps, seed=0, **settings):
    """An agent after `n_steps` of a bandit with states in [-1, 1] and one action."""
    generator = torch.Generator().manual_seed(seed)
    config = DDPGConfig(hidden_size=32, random_steps=200, **RATES | settings)
    agent = DDPG(1, 1, config, generator)
    for _ in range(n_steps):
        state = 2 * torch.rand(1, generator=generator) - 1
        action = agent.explore(state)
        agent.buffer.add(state, action, reward(state, action), state, True)
        agent.learn()
    return agent


def test_the_actor_finds_the_best_action_of_a_bandit():
    agent = trained(lambda state, action: -10 * float((action - 0.7) ** 2), 600)
    assert float(agent.act(torch.zeros(1))) == pytest.approx(0.7, abs=0.1)


def test_the_best_action_may_depend_on_the_state():
    agent = trained(lambda state, action: -10 * float((action - 0.5 - 0.3 * state) ** 2), 800)
    chosen = agent.actor(torch.tensor([[-1.0], [0.0], [1.0]])).detach().flatten()
    assert chosen.tolist() == pytest.approx([0.2, 0.5, 0.8], abs=0.08)


def test_equal_seeds_give_equal_weights_and_other_seeds_others():
    first, same, other = (trained(lambda s, a: float(a), 250, seed=seed) for seed in (1, 1, 2))
    for a, b, c in zip(*(agent.actor.parameters() for agent in (first, same, other)), strict=True):
        assert torch.equal(a, b)
        assert not torch.equal(a, c)


def test_global_random_state_is_neither_read_nor_changed():
    before = torch.get_rng_state()
    trained(lambda s, a: float(a), 220)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_bellman_target_is_that_of_the_target_networks_and_stops_at_an_end():
    agent = DDPG(1, 1, DDPGConfig(discount=0.5), torch.Generator().manual_seed(0))
    agent.target_actor = lambda state: 2 * state
    agent.target_critic = lambda state, action: (state + action).squeeze(-1)
    ones = torch.ones(2, 1)
    batch = Transitions(ones, ones, torch.tensor([1.0, 1.0]), 4 * ones, torch.tensor([0.0, 1.0]))
    assert agent.bellman(batch).tolist() == [1 + 0.5 * 12, 1]


def test_polyak_averaging_of_a_constant_network_is_geometric():
    target, net = nn.Linear(1, 1), nn.Linear(1, 1)
    with torch.no_grad():
        for parameter in target.parameters():
            parameter.zero_()
        for parameter in net.parameters():
            parameter.fill_(1.0)
    for _ in range(7):
        polyak_average(target, net, 0.1)
    for parameter in target.parameters():
        assert float(parameter.detach()) == pytest.approx(1 - 0.9**7)
    assert all(float(parameter.detach()) == 1 for parameter in net.parameters())


@pytest.mark.parametrize("net", ["actor", "critic"])
def test_targets_start_equal_and_follow_slowly(net):
    begun, moved = (trained(lambda s, a: float(a), n_steps, batch_size=64, polyak=0.01) for n_steps in (63, 64))
    for start, new, target in zip(
        *(getattr(agent, name).parameters() for agent, name in ((begun, net), (moved, net), (moved, f"target_{net}"))),
        strict=True,
    ):
        assert not torch.equal(start, new)
        torch.testing.assert_close(target, torch.lerp(start, new, 0.01).detach())


def test_the_first_actions_are_random_and_cover_the_range():
    agent = DDPG(1, 4, DDPGConfig(random_steps=10), torch.Generator().manual_seed(0))
    actions = torch.stack([agent.explore(torch.zeros(1)) for _ in range(500)])
    assert actions.min() < 0.02
    assert actions.max() > 0.98
    assert actions.mean() == pytest.approx(0.5, abs=0.05)


def test_later_actions_are_the_actors_with_noise_within_bounds():
    agent = DDPG(1, 4, DDPGConfig(random_steps=0, noise=0.3), torch.Generator().manual_seed(0))
    actions = torch.stack([agent.explore(torch.zeros(1)) for _ in range(2000)])
    assert actions.min() >= 0
    assert actions.max() <= 1
    inner = actions[(actions > 0) & (actions < 1)]
    assert inner.mean() == pytest.approx(0.5, abs=0.02)
    share_cut = 2 * (1 - 0.5 * (1 + math.erf(0.5 / 0.3 / math.sqrt(2))))
    assert 1 - len(inner) / actions.numel() == pytest.approx(share_cut, abs=0.02)


def test_an_untrained_actor_is_in_the_middle_of_the_range():
    action = Actor(6, 4, 16)(torch.randn(50, 6))
    assert action.shape == (50, 4)
    assert (action - 0.5).abs().max() < 0.02


def test_the_buffer_keeps_the_latest_transitions():
    buffer = ReplayBuffer(3, 2, 1)
    for i in range(5):
        buffer.add(*transition(i))
    assert len(buffer) == 3
    assert sorted(buffer.stored.reward.tolist()) == [2, 3, 4]


def test_samples_are_whole_transitions_of_what_was_added():
    buffer = ReplayBuffer(100, 2, 1)
    for i in range(4):
        buffer.add(*transition(i))
    batch = buffer.sample(200, torch.Generator().manual_seed(0))
    assert set(batch.reward.tolist()) == {0, 1, 2, 3}
    torch.testing.assert_close(batch.state, batch.reward[:, None].expand(-1, 2))
    torch.testing.assert_close(batch.next_state, batch.state + 1)
    torch.testing.assert_close(batch.action[:, 0], batch.reward / 10)
    torch.testing.assert_close(batch.ended, (batch.reward % 2 == 0).float())


def test_nothing_is_learnt_without_a_full_batch():
    agent = DDPG(2, 1, DDPGConfig(batch_size=3), torch.Generator().manual_seed(0))
    learnt = []
    for i in range(3):
        agent.buffer.add(*transition(i))
        learnt.append(bool(agent.learn()))
    assert learnt == [False, False, True]
