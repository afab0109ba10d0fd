import pytest
import torch

from swift_hydra_kedro.config import OutskirtsConfig, PolicyConfig, SynthesisConfig
from swift_hydra_kedro.synthesis.acceptance import Acceptance
from swift_hydra_kedro.synthesis.density import EntropyAfterAdding, GaussianKDE
from swift_hydra_kedro.synthesis.feasible import SupportedRange
from swift_hydra_kedro.synthesis.ppo import PPO
from swift_hydra_kedro.synthesis.region import NormalRegion
from swift_hydra_kedro.synthesis.walks import Walker


@pytest.fixture
def walker(rows, pretrained, generator):
    config = SynthesisConfig(support_quantile=0.7, feasible_steps=3, policy=PolicyConfig(hidden_size=8))
    entropy = EntropyAfterAdding(GaussianKDE(rows.anomalies, 0.5), 40, 2, generator)
    policy = PPO(4, 3, config.policy, generator).policy
    for model in (pretrained.cvae, pretrained.detector):
        model.requires_grad_(False)
    yield Walker(pretrained.cvae, pretrained.detector, entropy, 0.9, policy, config, generator)
    for model in (pretrained.cvae, pretrained.detector):
        model.requires_grad_(True)


def test_walks_from_anomalies_are_what_the_judge_says(walker, rows):
    walks = walker.from_anomalies(rows.anomalies, 30, Acceptance(lambda x: (x[:, 0] > 1).float(), 0.5))
    assert torch.equal(walks.accepted, walks.x[:, 0] > 1)
    assert not walks.outside.any()
    assert (walks.observed[:, -1] == 1).all()
    assert 0 < walks.replaced.sum() < 30


def test_walks_from_normal_rows_leave_their_region_and_copy_none_of_them(walker, rows):
    region = NormalRegion.fit(rows.normals, OutskirtsConfig(max_references=100), torch.Generator().manual_seed(0))
    walks = walker.from_normals(region, 200)
    assert torch.equal(walks.accepted, ~region.contains(walks.x))
    assert walks.accepted.float().mean() > 0.8
    distances = torch.cdist(walks.x[walks.accepted], region.references).amin(1)
    assert (distances <= region.config.reach * region.limit * 1.001).all()
    assert (torch.cdist(walks.x, rows.normals).amin(1) > 0).all()
    assert walks.outside.all()
    assert (walks.observed[:, -1] == 0).all()


def test_steps_from_normal_rows_end_in_the_supported_range(walker, rows, pretrained):
    region = NormalRegion.fit(rows.normals, OutskirtsConfig(max_references=100), torch.Generator().manual_seed(0))
    walks = walker.from_normals(region, 200)
    supported = SupportedRange.fit(*pretrained.cvae.encode(region.references, torch.zeros(100)), 0.7)
    z = supported.centre + walks.observed[:, :-1] * supported.variance.sqrt() + walks.action
    assert (supported.squared_distance(z) <= supported.limit * 1.001).all()
    assert 0 < walks.replaced.sum() < 200


def test_rewards_are_those_of_the_rows_wherever_they_come_from(walker, rows):
    rewards = walker.rewards(rows.x)
    torch.testing.assert_close(rewards.evasion, -torch.log(torch.sigmoid(walker.detector(rows.x))))
    assert rewards.discount == 0.9


def test_walks_join_in_order(walker, rows):
    first = walker.from_anomalies(rows.anomalies, 3, Acceptance(lambda x: torch.ones(len(x)), 0.5))
    second = walker.from_anomalies(rows.anomalies, 2, Acceptance(lambda x: torch.zeros(len(x)), 0.5))
    joined = first.join(second)
    assert torch.equal(joined.x, torch.cat([first.x, second.x]))
    assert joined.accepted.tolist() == [True] * 3 + [False] * 2
