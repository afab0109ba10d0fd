import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from swift_hydra_kedro.models.layers import (
    MULTIPLE,
    RMSNorm,
    StackedLinear,
    align,
    blocks_of_groups,
    fork,
    global_randomness_kept,
    seeded_init,
)


@pytest.mark.parametrize("bias", [True, False])
def test_unstacked_linear_is_torch_s(bias):
    ours, torchs = StackedLinear(5, 3, bias=bias), nn.Linear(5, 3, bias=bias)
    torchs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 4, 5)
    torch.testing.assert_close(ours(x), torchs(x))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("inner", [(4,), (2, 4), ()])
def test_stacked_linear_applies_each_map_to_its_slice(bias, inner):
    layer = StackedLinear(5, 3, (2, 3), bias)
    x = torch.randn(2, 3, *inner, 5)
    for i in range(2):
        for j in range(3):
            expected = F.linear(x[i, j], layer.weight[i, j], layer.bias[i, j] if bias else None)
            torch.testing.assert_close(layer(x)[i, j], expected)


def test_no_rows_give_no_rows():
    assert StackedLinear(5, 3, (2,))(torch.empty(0, 5)).shape == (2, 0, 3)


def test_linear_starts_within_torch_s_bound():
    torch.manual_seed(0)
    layer = StackedLinear(16, 50, (4,))
    for values in (layer.weight, layer.bias):
        assert values.abs().max() <= 0.25
        assert values.abs().max() > 0.24


def test_rms_norm_is_torch_s_with_each_stack_s_gain():
    layer = RMSNorm(6, (3,))
    nn.init.normal_(layer.weight)
    x = torch.randn(3, 2, 4, 6)
    expected = torch.stack([F.rms_norm(x[m], (6,), layer.weight[m], layer.eps) for m in range(3)])
    torch.testing.assert_close(layer(x), expected)


def test_align_puts_new_dimensions_behind_the_stack():
    assert align(torch.zeros(2, 3, 7), 2, 6).shape == (2, 3, 1, 1, 1, 7)


def test_seeded_init_draws_from_the_generator_alone():
    def weights(seed, global_seed):
        torch.manual_seed(global_seed)
        with seeded_init(torch.Generator().manual_seed(seed)):
            return nn.Linear(3, 3).weight

    assert torch.equal(weights(0, 1), weights(0, 2))
    assert not torch.equal(weights(0, 1), weights(1, 1))


def test_seeded_init_advances_the_generator(generator):
    drawn = []
    for _ in range(2):
        with seeded_init(generator):
            drawn.append(torch.randn(3))
    assert not torch.equal(*drawn)


def test_seeded_init_leaves_the_global_state_also_after_an_error(generator):
    before = torch.get_rng_state()
    with pytest.raises(KeyError), seeded_init(generator):
        torch.randn(3)
        raise KeyError
    assert torch.equal(torch.get_rng_state(), before)


@given(st.integers(0, 200), st.integers(1, 5))
def test_blocks_of_groups_hold_their_members_in_order_and_the_last_repeatedly(n, n_groups):
    group = torch.randint(n_groups, (n,), generator=torch.Generator().manual_seed(n))
    blocks, number = blocks_of_groups(group, n_groups)
    assert blocks.shape == (len(number), MULTIPLE)
    assert number.tolist() == sorted(number.tolist())
    for own in range(n_groups):
        members = (group == own).nonzero().flatten().tolist()
        assert blocks[number == own].flatten().tolist() == members + members[-1:] * (-len(members) % MULTIPLE)


def test_a_fork_draws_its_own_numbers_which_the_generator_decides(generator):
    state = generator.get_state()
    first, second = fork(generator), fork(generator)
    generator.set_state(state)
    again = fork(generator)
    draws = [torch.rand(3, generator=g).tolist() for g in (first, second, again)]
    assert draws[0] == draws[2] != draws[1]


def test_threads_do_not_draw_each_other_s_initial_weights():
    n_threads, n_layers = 4, 20
    together = threading.Barrier(n_threads)

    def weights(seed: int) -> list[torch.Tensor]:
        with seeded_init(torch.Generator().manual_seed(seed)):
            return [StackedLinear(50, 50).weight for _ in range(n_layers)]

    def beside_others(seed: int) -> list[torch.Tensor]:
        together.wait()
        return weights(seed)

    before = torch.get_rng_state()
    alone = [weights(seed) for seed in range(n_threads)]
    for _ in range(5):
        with ThreadPoolExecutor(n_threads) as pool:
            found = list(pool.map(beside_others, range(n_threads)))
        assert all(
            torch.equal(a, b) for own, other in zip(alone, found, strict=True) for a, b in zip(own, other, strict=True)
        )
    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_drawn_while_it_is_kept_changes_nothing_outside():
    before = torch.get_rng_state()
    with global_randomness_kept(), global_randomness_kept():
        torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)
