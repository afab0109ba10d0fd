import torch

from swift_hydra_kedro.config import AdditiveConfig, MambaConfig
from swift_hydra_kedro.models.committee import Committee
from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.encoding import NORMAL, PIECEWISE, SCALED, PiecewiseLinearEncoding

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
def test_a_part_of_the_members_are_copies():
    stack, chosen = members(), torch.tensor([3, 0])
    stack.net.additive_share.fill_(0.7)
    before, part = stack(X), stack.part(chosen)
    assert part.stack == (2,)
    torch.testing.assert_close(part(X), before[chosen])
    for weight in part.parameters():
        weight.zero_()
    assert torch.equal(stack(X), before)


@torch.no_grad()
def test_a_part_without_a_view_says_the_same_where_nobody_sees_it():
    stack = members()
    stack.net.keep_only((stack.encoding.view_of_output != PIECEWISE).float().expand(4, -1))
    part = stack.part(torch.arange(4), (SCALED, NORMAL))
    assert part.encoding.n_outputs == 6
    torch.testing.assert_close(part(X), stack(X))


def test_copies_draw_no_random_numbers():
    stack, state = members(), torch.get_rng_state()
    stack.part(torch.arange(2))
    assert torch.equal(torch.get_rng_state(), state)


@torch.no_grad()
def test_parts_add_up_to_the_whole_and_those_without_bins_do_not_compute_them():
    stack, weight = members(7), torch.tensor([0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1])
    torch.nn.init.normal_(stack.net.additive.weight)
    sees_bins = torch.tensor([1, 0, 1, 1, 0, 1, 0]).bool()
    stack.net.keep_only(((stack.encoding.view_of_output != PIECEWISE) | sees_bins.unsqueeze(1)).float())
    committee = Committee(stack, weight)
    parts = committee.parts(3)
    assert [len(part.weight) for part in parts] == [3, 1, 3]
    assert [PIECEWISE in part.members.encoding.views for part in parts] == [True, True, False]
    torch.testing.assert_close(sum(part(X) for part in parts), committee(X))


@torch.no_grad()
def test_experts_are_the_first_members_with_the_additive_path_of_all():
    stack, weight = members(), torch.tensor([0.1, 0.2, 0.3, 0.4])
    torch.nn.init.normal_(stack.net.additive.weight)
    deep, additive = stack.paths(X)
    expert_deep, expert_additive = Committee(stack, weight).experts(2).paths(X)
    torch.testing.assert_close(expert_deep, deep[:2])
    torch.testing.assert_close(expert_additive, (weight @ additive).expand(2, -1))


@torch.no_grad()
def test_experts_of_fewer_features_are_those_to_whom_the_others_are_nothing():
    stack = members()
    torch.nn.init.normal_(stack.net.additive.weight)
    experts = Committee(stack).experts(2, n_features=2)
    stack.net.keep_only((stack.encoding.feature_of_output < 2).float().expand(4, -1))
    torch.testing.assert_close(experts(X[:, :2]), Committee(stack).experts(2)(X))
