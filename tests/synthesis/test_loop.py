import copy
import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from swift_hydra_kedro.config import (
    BalancedTrainingConfig,
    OutskirtsConfig,
    PolicyConfig,
    RewardConfig,
    SynthesisConfig,
)
from swift_hydra_kedro.models.fitting import LabelledRows
from swift_hydra_kedro.synthesis import loop
from swift_hydra_kedro.synthesis.feasible import SupportedRange
from swift_hydra_kedro.synthesis.loop import Convergence, SyntheticAnomalies, draw_anomalies, synthesise
from swift_hydra_kedro.synthesis.ppo import PPO
from swift_hydra_kedro.synthesis.region import Outskirts

BRIEF = BalancedTrainingConfig(epochs=1, max_steps=2, batch_size=16)
CONFIG = SynthesisConfig(
    episodes=3,
    steps_per_episode=24,
    keep=5,
    patience=3,
    feasible_steps=3,
    outskirts=None,
    support_quantile=0.7,
    reward=RewardConfig(kde_samples=40, noise_samples=2),
    policy=PolicyConfig(hidden_size=8),
    cvae_training=BRIEF,
    detector_training=BRIEF,
)
COLUMNS = {
    "episode",
    "mean_reward",
    "mean_undecayed_reward",
    "entropy_term",
    "evasion_term",
    "invalid_share",
    "accepted_share",
    "entropy",
    "n_kept",
    "policy_loss",
    "value_loss",
    "imitation_loss",
    "policy_entropy",
    "approx_kl",
    "clip_fraction",
    "detector_auc_roc",
    "seconds",
}


def believe_all(x):
    return torch.ones(len(x))


@pytest.fixture
def run(rows, pretrained):
    def run(seed=0, rows=rows, held_out=rows, judge=believe_all, **settings):
        config = CONFIG.model_copy(update=settings)
        return synthesise(rows, held_out, pretrained.cvae, pretrained.detector, judge, config, seed)

    return run


@pytest.fixture
def trajectories(monkeypatch):
    """What each episode hands to PPO."""
    seen = []
    update = PPO.update

    def spy(self, trajectory):
        seen.append(trajectory)
        return update(self, trajectory)

    monkeypatch.setattr(PPO, "update", spy)
    return seen


def steps_until_reached(rewards, min_improvement, patience):
    convergence = Convergence(min_improvement, patience)
    return next((i for i, reward in enumerate(rewards, 1) if convergence.reached(reward)), None)


@pytest.mark.parametrize(
    ("rewards", "min_improvement", "patience", "expected"),
    [
        ([1, 2, 3, 4, 5], 0.0, 0, None),
        ([1, 2, 1.9], 0.0, 0, 3),
        ([1, 2, 1, 1, 1], 0.0, 2, 5),
        ([1, 2, 1, 1, 2.1, 1, 1, 1], 0.0, 2, 8),  # an improvement starts the count anew
        ([1, 1.4, 1.8, 2.2], 0.5, 1, None),  # 1.8 is the first gain above 0.5 over the best, 1
        ([1, 1.4, 1.5, 1.4], 0.5, 1, 3),  # small gains do not move the best
        ([1, 1, 1], 0.0, 1, 3),  # as good as the best is no improvement
        ([-5, -4, -6], 0.0, 0, 3),
    ],
)
def test_convergence_by_hand(rewards, min_improvement, patience, expected):
    assert steps_until_reached(rewards, min_improvement, patience) == expected


def test_inputs_are_left_as_they_were(run, rows, pretrained):
    before = copy.deepcopy((rows, pretrained.cvae.state_dict(), pretrained.detector.state_dict()))
    run()
    for name in ("x", "y", "weight"):
        assert torch.equal(getattr(rows, name), getattr(before[0], name))
    for model, state in zip((pretrained.cvae, pretrained.detector), before[1:], strict=True):
        assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
        assert all(p.requires_grad for p in model.parameters())


def test_models_go_on_learning_in_the_loop(run, pretrained):
    result = run()
    for name in ("cvae", "detector"):
        pairs = zip(getattr(result, name).parameters(), getattr(pretrained, name).parameters(), strict=True)
        assert any(not torch.equal(after, before) for after, before in pairs)
        assert all(p.requires_grad for p in getattr(result, name).parameters())


@pytest.mark.parametrize("outskirts", [None, OutskirtsConfig()])
def test_equal_seeds_give_equal_bits_and_other_seeds_others(run, outskirts):
    first, same, other = (run(seed, outskirts=outskirts) for seed in (0, 0, 1))
    for name in ("x", "reward", "entropy", "evasion", "episode", "outside"):
        assert torch.equal(getattr(first.synthetic, name), getattr(same.synthetic, name))
    assert not torch.equal(first.synthetic.x, other.synthetic.x)
    histories = [[{k: v for k, v in row.items() if k != "seconds"} for row in r.history] for r in (first, same)]
    assert histories[0] == histories[1]


def test_global_state_is_left_alone(run):
    before = torch.get_rng_state()
    run(outskirts=OutskirtsConfig())
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("outskirts", [None, OutskirtsConfig()])
def test_every_episode_has_a_history_row_of_finite_numbers(run, outskirts):
    history = run(outskirts=outskirts).history
    assert [row["episode"] for row in history] == [1, 2, 3]
    for row in history:
        assert row.keys() == COLUMNS
        assert all(math.isfinite(value) for value in row.values())


def test_history_terms_add_up_and_decay(run):
    for row in run().history:
        assert row["mean_reward"] == pytest.approx(row["entropy_term"] + row["evasion_term"], rel=1e-5)
        undecayed = row["entropy_term"] / CONFIG.reward.discount ** row["episode"] + row["evasion_term"]
        assert row["mean_undecayed_reward"] == pytest.approx(undecayed, rel=1e-5)


def test_invalid_share_is_that_of_the_replaced_actions(run, trajectories):
    history = run().history
    shares = [float(trajectory.replaced.float().mean()) for trajectory in trajectories]
    assert [row["invalid_share"] for row in history] == pytest.approx(shares)
    assert max(shares) > 0


def test_samples_of_the_highest_reward_are_kept_in_each_episode(run, trajectories):
    result = run()
    assert result.synthetic.x.shape == (15, 4)
    for number, trajectory in enumerate(trajectories, 1):
        kept = result.synthetic.reward[result.synthetic.episode == number]
        torch.testing.assert_close(kept, trajectory.reward.sort(descending=True).values[:5])


class FirstFeature(nn.Module):
    """The surer of an anomaly the larger the first feature."""

    def forward(self, x):
        return torch.sigmoid(50 * (x[:, 0] - 1.5))


def test_samples_that_the_judge_does_not_believe_in_are_not_kept(run, trajectories):
    result = run(judge=FirstFeature())
    assert 0 < len(result.synthetic.x) <= 15
    assert (result.synthetic.x[:, 0] >= 1.5).all()
    assert [row["n_kept"] for row in result.history] == [
        int((result.synthetic.episode == episode).sum()) for episode in (1, 2, 3)
    ]
    for row, trajectory in zip(result.history, trajectories, strict=True):
        least = trajectory.reward == trajectory.reward.min()
        assert 1 - float(least.float().mean()) == pytest.approx(row["accepted_share"], abs=1.5 / 24)


def test_a_judge_that_believes_in_nothing_leaves_nothing(run):
    result = run(judge=lambda x: torch.zeros(len(x)))
    assert len(result.synthetic.x) == 0
    assert len(result.history) == 3


def test_with_no_least_probability_all_may_join(run):
    result = run(judge=lambda x: torch.zeros(len(x)), min_probability=0.0)
    assert len(result.synthetic.x) == 15


def test_drawn_anomalies_are_those_that_the_judge_believes_in(run, rows, generator):
    result = run()
    drawn = draw_anomalies(result, rows.anomalies, FirstFeature(), 20, CONFIG, generator)
    free = draw_anomalies(result, rows.anomalies, believe_all, 20, CONFIG, generator)
    assert drawn.shape == (20, 4)
    assert (drawn[:, 0] >= 1.5).float().mean() > (free[:, 0] >= 1.5).float().mean() + 0.2


def test_as_many_samples_leave_the_normal_region_as_anomalies_are_expected_to(run, rows):
    config = OutskirtsConfig(max_references=500)
    outskirts = Outskirts.of(rows, config, torch.Generator().manual_seed(9))
    result = run(outskirts=config, steps_per_episode=60)
    outside = result.synthetic.outside > 0
    assert [int(outside[result.synthetic.episode == episode].sum()) for episode in (1, 2, 3)] == [2, 2, 2]
    assert outskirts.part_of(5) == 2
    assert not outskirts.region.contains(result.synthetic.x[outside]).any()
    assert len(result.synthetic.x) == 15


def test_of_the_samples_outside_any_are_kept_and_of_the_others_the_best(run, trajectories):
    result = run(outskirts=OutskirtsConfig(), episodes=1, steps_per_episode=60)
    kept, trajectory = result.synthetic, trajectories[0]
    from_normals = trajectory.state[:, -1] == 0
    best = trajectory.reward[~from_normals].sort(descending=True).values[:3]
    torch.testing.assert_close(kept.reward[kept.outside == 0], best)
    best_outside = trajectory.reward[from_normals].sort(descending=True).values[:2]
    assert not torch.equal(kept.reward[kept.outside == 1].sort(descending=True).values, best_outside)


def test_samples_outside_the_normal_region_need_not_convince_the_judge_and_take_the_places_of_those_that_did_not(run):
    result = run(outskirts=OutskirtsConfig(), judge=lambda x: torch.zeros(len(x)))
    assert len(result.synthetic.x) == 15
    assert (result.synthetic.outside == 1).all()


def test_ppo_learns_from_both_kinds_of_walks(run, trajectories):
    run(outskirts=OutskirtsConfig())
    for trajectory in trajectories:
        assert len(trajectory.state) == 24
        assert int((trajectory.state[:, -1] == 0).sum()) == 12


def test_where_all_normal_rows_are_the_same_there_is_no_region_to_leave(run, rows):
    same = rows.x.clone()
    same[rows.y < 0.5] = 0
    result = run(rows=LabelledRows(same, rows.y, rows.weight), outskirts=OutskirtsConfig())
    assert len(result.synthetic.x) == 15
    assert (result.synthetic.outside == 0).all()


def test_kept_samples_carry_the_terms_of_their_reward(run):
    synthetic = run().synthetic
    discount = CONFIG.reward.discount**synthetic.episode
    torch.testing.assert_close(synthetic.reward, discount * synthetic.entropy + synthetic.evasion)


def test_all_samples_end_in_the_supported_range_by_the_actions_that_ppo_learns(run, trajectories, monkeypatch):
    ranges, fit = [], SupportedRange.fit
    monkeypatch.setattr(SupportedRange, "fit", lambda *a: ranges.append(fit(*a)) or ranges[-1])
    run()
    assert len(trajectories) == len(ranges) == 3
    for supported, trajectory in zip(ranges, trajectories, strict=True):
        z = supported.centre + trajectory.state[:, :-1] * supported.variance.sqrt()
        wider = replace(supported, limit=supported.limit * 1.001)  # z was standardised and back
        assert wider.contains(z + trajectory.action).all()


def test_valid_actions_stay_as_the_policy_took_them(run, trajectories):
    result = run(episodes=1, policy=CONFIG.policy.model_copy(update={"learning_rate": 1e-12}))
    own = ~trajectories[0].replaced
    log_prob = result.policy(trajectories[0].state).log_prob(trajectories[0].action)
    assert 0 < own.sum() < len(own)
    torch.testing.assert_close(log_prob[own], trajectories[0].log_prob[own], rtol=1e-3, atol=1e-3)


def test_states_are_drawn_from_the_encodings_not_their_means(run, rows, trajectories):
    run(rows=rows[torch.arange(121)], held_out=None, episodes=1, steps_per_episode=1000)
    state = trajectories[0].state[:, :-1]  # of one anomaly, in units of its own spread
    torch.testing.assert_close(state.mean(0), torch.zeros(3), rtol=0, atol=0.15)
    assert (state.std(0) > 0.3).all()  # one, or less where the range's variance has its floor


def test_later_episodes_train_on_the_samples_of_earlier_ones(run, monkeypatch):
    sizes = []
    monkeypatch.setattr(loop, "fit_cvae", lambda cvae, rows, *rest: sizes.append(int(rows.y.sum())))
    run()
    assert sizes == [20, 25, 30]


def test_loop_stops_where_the_reward_no_longer_improves(run):
    assert len(run(min_improvement=1e9, patience=1).history) == 3  # the first episode beats minus infinity
    assert len(run(min_improvement=1e9, patience=0).history) == 2


def test_disabled_loop_makes_nothing(run):
    result = run(enabled=False)
    assert result.synthetic.x.shape == (0, 4)
    assert result.history == []


def test_one_anomaly_is_enough(run, rows):
    result = run(rows=rows[torch.arange(121)], held_out=None)
    assert len(result.synthetic.x) == 15
    assert torch.isfinite(result.synthetic.x).all()
    assert all(math.isnan(row["detector_auc_roc"]) for row in result.history)


def test_detector_is_judged_on_the_held_out_rows(run, rows):
    flipped = LabelledRows(rows.x, 1 - rows.y, rows.weight)
    sums = [a["detector_auc_roc"] for a in run(held_out=flipped, episodes=1).history]
    assert sums[0] < 0.1


def test_kde_is_built_on_at_most_the_reference_rows(run, monkeypatch):
    sizes, kde = [], loop.GaussianKDE
    monkeypatch.setattr(loop, "GaussianKDE", lambda points, width: sizes.append(len(points)) or kde(points, width))
    run(reward=CONFIG.reward.model_copy(update={"max_reference_rows": 22}))
    assert sizes == [20, 22, 22]


def test_no_samples_join_as_nothing():
    some = SyntheticAnomalies(torch.randn(2, 4), *torch.randn(5, 2))
    joined = SyntheticAnomalies.none(4).join(some).join(SyntheticAnomalies.none(4))
    assert torch.equal(joined.x, some.x)
    assert torch.equal(joined.evasion, some.evasion)


def test_anomalies_can_be_drawn_from_the_trained_policy(run, rows, generator):
    result = run()
    drawn = draw_anomalies(result, rows.anomalies, believe_all, 30, CONFIG, generator)
    assert drawn.shape == (30, 4)
    assert torch.isfinite(drawn).all()
    assert len(drawn.unique(dim=0)) == 30


@pytest.mark.parametrize("n", [0, 29, 30, 31])
def test_many_anomalies_are_drawn_a_part_at_a_time(run, rows, generator, monkeypatch, n):
    result, judged = run(), []
    monkeypatch.setattr(loop, "PART", 10)
    drawn = draw_anomalies(
        result, rows.anomalies, lambda x: judged.append(len(x)) or believe_all(x), n, CONFIG, generator
    )
    assert len(drawn) == len(drawn.unique(dim=0)) == n
    assert max(judged, default=0) <= loop.CANDIDATES * 10


def test_drawn_anomalies_come_from_the_supported_range(run, rows, generator):
    result = run()
    cvae = copy.deepcopy(result.cvae)
    cvae.decoder = nn.Identity()  # decoding now tells the latent and the label
    config = CONFIG.model_copy(update={"keep_residual": False})
    decoded = draw_anomalies(replace(result, cvae=cvae), rows.anomalies, believe_all, 200, config, generator)
    with torch.no_grad():
        supported = SupportedRange.fit(*cvae.encode(rows.anomalies, torch.ones(20)), CONFIG.support_quantile)
    assert supported.contains(decoded[:, :3]).all()
    assert (decoded[:, 3] == 1).all()


def test_drawing_is_reproducible_and_trains_nothing(run, rows):
    result = run()
    before = copy.deepcopy(result.policy.state_dict())
    first, same = (
        draw_anomalies(result, rows.anomalies, believe_all, 10, CONFIG, torch.Generator().manual_seed(0))
        for _ in range(2)
    )
    assert torch.equal(first, same)
    assert all(torch.equal(value, before[name]) for name, value in result.policy.state_dict().items())
