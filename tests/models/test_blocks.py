"""The blocks that stand in for Mamba: stacked like it, about as large, and an attention that is torch's own."""

import pytest
import torch
from torch import nn
from torch.func import functional_call

from swift_hydra_kedro.config import MambaConfig
from swift_hydra_kedro.models.blocks import Transformer, residual_block
from swift_hydra_kedro.models.mamba import Mamba

STAND_INS = ("mlp", "transformer")


def block(name, stack=(), d_model=8):
    return residual_block(MambaConfig(block=name, d_model=d_model), stack)


def n_weights(module):
    return sum(p.numel() for p in module.parameters())


def test_mamba_is_the_default():
    assert isinstance(residual_block(MambaConfig(), ()), Mamba)


@pytest.mark.parametrize("name", STAND_INS)
def test_stacked_blocks_equal_a_loop(name):
    stacked, single = block(name, (3,)), block(name)
    x = torch.randn(3, 5, 4, 8)
    slices = [{n: p[m] for n, p in stacked.named_parameters()} for m in range(3)]
    alone = torch.stack([functional_call(single, slices[m], (x[m],)) for m in range(3)])
    torch.testing.assert_close(stacked(x), alone)


@pytest.mark.parametrize("name", STAND_INS)
def test_size_is_near_mambas(name):
    assert n_weights(block(name, d_model=32)) == pytest.approx(n_weights(block("mamba", d_model=32)), rel=0.2)


def test_attention_is_torchs_own():
    ours = Transformer(8, 16, ())
    reference = nn.MultiheadAttention(8, ours.n_heads, batch_first=True)
    # torch has the heads within query, key and value; so have we, one after the other
    reference.in_proj_weight.data, reference.in_proj_bias.data = ours.project.weight.data, ours.project.bias.data
    reference.out_proj.weight.data, reference.out_proj.bias.data = ours.merge.weight.data, ours.merge.bias.data
    x = torch.randn(5, 4, 8)
    attended, _ = reference(x, x, x)
    torch.testing.assert_close(ours(x), attended + ours.feed_forward(x + attended))


def test_tokens_see_each_other_in_the_transformer_alone():
    x = torch.randn(1, 3, 8)
    changed = x.clone()
    changed[:, 0] += 1
    moved = {name: not torch.equal(m(x)[:, 2], m(changed)[:, 2]) for name in STAND_INS for m in [block(name)]}
    assert moved == {"mlp": False, "transformer": True}
