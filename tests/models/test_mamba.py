"""The block against mamba-ssm's own `Mamba` class, run on its reference scan."""

import pytest
import torch
import torch.nn.functional as F
from torch.func import functional_call

from swift_hydra_kedro.models.mamba import CausalConv1d, Mamba

SHAPES_FOR_32 = {
    "A_log": (64, 16),
    "D": (64,),
    "in_proj.weight": (128, 32),
    "conv1d.weight": (64, 1, 4),
    "conv1d.bias": (64,),
    "x_proj.weight": (34, 64),
    "dt_proj.weight": (64, 2),
    "dt_proj.bias": (64,),
    "out_proj.weight": (32, 64),
}
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


@pytest.fixture
def block():
    torch.manual_seed(0)
    return Mamba(32)


def shapes(module):
    return {name: tuple(value.shape) for name, value in module.state_dict().items()}


def gradients(output, wanted):
    """Gradients for a fixed random cotangent; zeros where nothing depends on it, as `A_log` with one token."""
    cotangent = torch.randn(output.shape, generator=torch.Generator().manual_seed(1), dtype=output.dtype)
    return torch.autograd.grad(output, wanted, cotangent, allow_unused=True, materialize_grads=True)


def slice_of(module, index):
    return {name: value[index] for name, value in module.named_parameters()}


def test_names_and_shapes_are_those_of_mamba_ssm(block, official):
    assert shapes(block) == SHAPES_FOR_32 == shapes(official.Mamba(32))


@pytest.mark.parametrize("settings", [{"d_state": 3}, {"d_conv": 2}, {"expand": 3}, {"d_model": 5}])
def test_other_sizes_have_the_official_shapes_too(settings, official):
    settings = {"d_model": 8} | settings
    assert shapes(Mamba(**settings)) == shapes(official.Mamba(**settings))


@pytest.mark.parametrize("length", [1, 3, 7])
def test_official_state_dict_gives_the_official_outputs(official, length):
    theirs = official.Mamba(32)
    ours = Mamba(32)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(4, length, 32)
    torch.testing.assert_close(ours(x), theirs(x), **TOLERANCE)


def test_our_state_dict_gives_our_outputs_in_the_official_block(block, official):
    theirs = official.Mamba(32)
    theirs.load_state_dict(block.state_dict())
    x = torch.randn(4, 7, 32)
    torch.testing.assert_close(theirs(x), block(x), **TOLERANCE)


@pytest.mark.parametrize("length", [1, 7])
def test_gradients_equal_those_of_the_official_block(block, official, length):
    theirs = official.Mamba(32)
    theirs.load_state_dict(block.state_dict())
    x = torch.randn(4, length, 32, requires_grad=True)
    of_block, of_theirs = (gradients(m(x), [x, *(m.get_parameter(n) for n in SHAPES_FOR_32)]) for m in (block, theirs))
    for name, ours, official_one in zip(["x", *SHAPES_FOR_32], of_block, of_theirs, strict=True):
        torch.testing.assert_close(ours, official_one, **TOLERANCE, msg=lambda text, n=name: f"gradient of {n}: {text}")


def test_state_matrix_and_skip_start_as_the_official_ones(block, official):
    theirs = official.Mamba(32)
    torch.testing.assert_close(block.A_log, theirs.A_log, rtol=0, atol=0)
    torch.testing.assert_close(block.D, theirs.D, rtol=0, atol=0)


def test_steps_start_log_uniform_between_a_thousandth_and_a_tenth():
    torch.manual_seed(0)
    delta = F.softplus(Mamba(256).dt_proj.bias)
    assert delta.min() >= 0.999e-3
    assert delta.max() <= 0.1001
    thirds = torch.histc(delta.log10(), bins=2, min=-3, max=-1) / len(delta)
    assert ((thirds - 0.5).abs() < 0.07).all()


def test_steps_weights_start_within_the_rank_s_bound():
    torch.manual_seed(0)
    weight = Mamba(64).dt_proj.weight  # rank 4
    assert weight.abs().max() <= 0.5
    assert weight.abs().max() > 0.45


@pytest.mark.parametrize("length", [1, 2, 4, 9])
@pytest.mark.parametrize("taps", [1, 4])
def test_convolution_equals_torch_s_cut_to_the_past(length, taps):
    ours = CausalConv1d(6, taps)
    x = torch.randn(3, length, 6)
    padded = F.conv1d(x.mT, ours.weight, ours.bias, padding=taps - 1, groups=6)[..., :length].mT
    torch.testing.assert_close(ours(x), padded)


def test_stacked_convolution_equals_each_slice_alone():
    stacked, single = CausalConv1d(6, 4, (3,)), CausalConv1d(6, 4)
    x = torch.randn(3, 2, 5, 6)
    alone = torch.stack([functional_call(single, slice_of(stacked, m), (x[m],)) for m in range(3)])
    torch.testing.assert_close(stacked(x), alone)


def test_a_later_token_changes_no_earlier_output(block):
    x = torch.randn(2, 6, 32)
    changed = x.clone()
    changed[:, 3] += 1
    difference = (block(changed) - block(x)).abs().amax(dim=(0, 2))
    assert (difference[:3] == 0).all()
    assert (difference[3:] > 1e-6).all()


@pytest.mark.parametrize("length", [1, 5])
def test_stacked_block_equals_its_slices_in_outputs_and_gradients(length):
    torch.manual_seed(0)
    stacked, single = Mamba(8, stack=(3,)).double(), Mamba(8).double()
    x = torch.randn(3, 4, length, 8, dtype=torch.float64, requires_grad=True)
    alone = torch.stack([functional_call(single, slice_of(stacked, m), (x[m],)) for m in range(3)])
    together = stacked(x)
    torch.testing.assert_close(together, alone)
    wanted = [x, *stacked.parameters()]
    for gradient, expected in zip(gradients(together, wanted), gradients(alone, wanted), strict=True):
        torch.testing.assert_close(gradient, expected)


def test_stacked_blocks_start_from_different_weights():
    stacked = Mamba(8, stack=(2,))
    for name in ("in_proj.weight", "conv1d.weight", "x_proj.weight", "dt_proj.weight", "dt_proj.bias"):
        weight = stacked.get_parameter(name)
        assert not torch.equal(weight[0], weight[1]), name


def test_kernel_backend_on_the_cpu_is_an_error_not_a_fallback():
    with pytest.raises(ValueError, match="needs a CUDA device"):
        Mamba(8, backend="mamba_ssm")(torch.zeros(1, 1, 8))
