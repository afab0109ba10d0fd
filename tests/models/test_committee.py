import torch

from swift_hydra_kedro.config import AdditiveConfig, MambaConfig
from swift_hydra_kedro.models.committee import Committee
from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.encoding import PiecewiseLinearEncoding

X = torch.randn(20, 3)


def members(n=4):
    config = MambaConfig(d_model=8, d_state=3, depth=1, bins=2, additive=AdditiveConfig())
    return MambaDetector(PiecewiseLinearEncoding.fit(X.numpy(), 2), config, (n,))


@torch.no_grad()
def test_all_members_weigh_the_same_unless_told_otherwise():
    stack = members()
    torch.testing.assert_close(Committee(stack)(X), torch.sigmoid(stack(X)).mean(0))


@torch.no_grad()
def test_probabilities_are_averaged_by_weight():
    stack, weight = members(), torch.tensor([0.5, 0.5, 0.0, 0.0])
    torch.testing.assert_close(Committee(stack, weight)(X), torch.sigmoid(stack(X))[:2].mean(0))


@torch.no_grad()
def test_the_first_members_are_copies():
    stack = members()
    stack.net.additive_share.fill_(0.7)
    before, part = stack(X), stack.first(3)
    assert part.stack == (3,)
    torch.testing.assert_close(part(X), before[:3])
    for weight in part.parameters():
        weight.zero_()
    assert torch.equal(stack(X), before)


def test_copies_draw_no_random_numbers():
    stack, state = members(), torch.get_rng_state()
    stack.first(2)
    assert torch.equal(torch.get_rng_state(), state)


@torch.no_grad()
def test_experts_are_the_first_members_with_the_additive_path_of_all():
    stack, weight = members(), torch.tensor([0.1, 0.2, 0.3, 0.4])
    torch.nn.init.normal_(stack.net.additive.weight)
    deep, additive = stack.paths(X)
    expert_deep, expert_additive = Committee(stack, weight).experts(2).paths(X)
    torch.testing.assert_close(expert_deep, deep[:2])
    torch.testing.assert_close(expert_additive, (weight @ additive).expand(2, -1))
