"""The Mamba block (Gu & Dao, 2024), with the parameter names and shapes of `mamba_ssm`'s `Mamba`.

Glossary: `d_model` D, `d_inner` E = expand * D, `d_state` N, `d_conv` K, `dt_rank` R = ceil(D / 16),
`delta` the step size, `(b, l)` batch and length. A state dict moves between this block and the CUDA package.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from swift_hydra_kedro.models.layers import Stack, StackedLinear, align
from swift_hydra_kedro.models.selective_scan import Backend, choose_scan

DELTA_RANGE = (1e-3, 1e-1)
DELTA_FLOOR = 1e-4


class CausalConv1d(nn.Module):
    """Depthwise convolution over the length that sees the present and the K - 1 tokens before.

    Shape: `(*stack, b, l, E)` -> the same.
    """

    def __init__(self, channels: int, taps: int, stack: Stack = ()) -> None:
        super().__init__()
        bound = 1 / math.sqrt(taps)
        self.weight = nn.Parameter(torch.empty(*stack, channels, 1, taps).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(*stack, channels).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """Sum the shifted inputs, one elementwise product per tap that lies inside the sequence."""
        length, taps = x.shape[-2], self.weight.shape[-1]
        n_stack = self.bias.ndim - 1
        y = align(self.bias, n_stack, x.ndim).expand_as(x)
        for delay in range(min(length, taps)):
            tap = align(self.weight[..., 0, taps - 1 - delay], n_stack, x.ndim)  # (*stack, 1, 1, E)
            y = y + tap * F.pad(x, (0, 0, delay, 0))[..., :length, :]
        return y


class Mamba(nn.Module):
    """One Mamba block.

    Shape: `(*stack, b, l, d_model)` -> the same.
    """

    def __init__(
        self,
        d_model: int,
        d_state: int = 16,
        d_conv: int = 4,
        expand: int = 2,
        stack: Stack = (),
        backend: Backend = "auto",
    ) -> None:
        super().__init__()
        d_inner, self.d_state, self.dt_rank = expand * d_model, d_state, math.ceil(d_model / 16)
        self.backend = backend
        self.in_proj = StackedLinear(d_model, 2 * d_inner, stack, bias=False)
        self.conv1d = CausalConv1d(d_inner, d_conv, stack)
        self.x_proj = StackedLinear(d_inner, self.dt_rank + 2 * d_state, stack, bias=False)
        self.dt_proj = StackedLinear(self.dt_rank, d_inner, stack)
        self.A_log = nn.Parameter(torch.log(torch.arange(1.0, d_state + 1)).expand(*stack, d_inner, -1).clone())
        self.D = nn.Parameter(torch.ones(*stack, d_inner))
        self.out_proj = StackedLinear(d_inner, d_model, stack, bias=False)
        self._init_delta()

    @torch.no_grad()
    def _init_delta(self) -> None:
        """Draw steps log-uniformly from DELTA_RANGE and store their inverse softplus as the bias."""
        bound = self.dt_rank**-0.5
        self.dt_proj.weight.uniform_(-bound, bound)
        assert self.dt_proj.bias is not None
        low, high = map(math.log, DELTA_RANGE)
        delta = torch.exp(torch.empty_like(self.dt_proj.bias).uniform_(low, high)).clamp(min=DELTA_FLOOR)
        self.dt_proj.bias.copy_(delta + torch.log(-torch.expm1(-delta)))

    def forward(self, x: Tensor) -> Tensor:
        """Gate the scanned convolution of `x` by a second projection of `x`."""
        u, z = self.in_proj(x).chunk(2, dim=-1)  # (*stack, b, l, E) each
        u = F.silu(self.conv1d(u))
        dt, B, C = self.x_proj(u).split([self.dt_rank, self.d_state, self.d_state], dim=-1)
        delta = F.softplus(self.dt_proj(dt))  # (*stack, b, l, E)
        scan = choose_scan(self.backend, x.device, x.dtype, x.shape[-2])
        y = scan(u, delta, -torch.exp(self.A_log), B, C, self.D)
        return self.out_proj(y * F.silu(z))
