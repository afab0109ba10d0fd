"""The selective scan of Mamba (Gu & Dao, 2024, algorithm 2), in plain torch or by mamba-ssm's CUDA kernel.

`h_t = exp(delta_t A) h_{t-1} + delta_t B_t u_t`, `y_t = C_t h_t + D u_t`, with `u` the input,
`delta` the input-dependent step, `A` the diagonal state matrix, `B` and `C` input-dependent too.
"""

from __future__ import annotations

import functools
import importlib
import logging
from collections.abc import Callable
from typing import Literal

import torch
from mambapy.pscan import pscan
from torch import Tensor

from swift_hydra_kedro.models.layers import align

logger = logging.getLogger(__name__)
Backend = Literal["auto", "torch", "mamba_ssm"]


def selective_scan(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    """Scan in plain torch: closed form for one token, a parallel scan for more.

    Parameters
    ----------
    u, delta : (*stack, batch, length, channels)
    A : (*stack, channels, states), negative
    B, C : (*stack, batch, length, states)
    D : (*stack, channels)

    Returns
    -------
    (*stack, batch, length, channels)
    """
    n_stack = D.ndim - 1
    skip = u * align(D, n_stack, u.ndim)
    if u.shape[-2] == 1:  # h_0 = 0, so A does not enter: y = (C . B) delta u + D u
        return (B * C).sum(-1, keepdim=True) * delta * u + skip
    decay = torch.exp(delta.unsqueeze(-1) * align(A, n_stack, u.ndim + 1))  # (*stack, b, l, channels, states)
    drive = (delta * u).unsqueeze(-1) * B.unsqueeze(-2)  # (*stack, b, l, channels, states)
    states = pscan(decay.flatten(0, -4), drive.flatten(0, -4)).reshape(drive.shape)
    return (states * C.unsqueeze(-2)).sum(-1) + skip


def selective_scan_cuda(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    """Scan by mamba-ssm's fused kernel; arguments as in `selective_scan`.

    Stacked networks travel as the kernel's groups: their channels side by side, with `B` and `C` per group.
    """
    kernel = _cuda_kernel()
    assert kernel is not None, "choose_scan has made sure of the kernel"
    groups = (u.shape[:-3].numel(), *u.shape[-3:])  # (m, b, l, channels)
    channels_last = [t.reshape(*groups[:3], -1).permute(1, 0, 3, 2) for t in (u, delta, B, C)]  # (b, m, width, l)
    u_, delta_, B_, C_ = (t.contiguous() for t in channels_last)
    y = kernel(u_.flatten(1, 2), delta_.flatten(1, 2), A.flatten(0, -2).float(), B_, C_, D.flatten().float())
    return y.reshape(u_.shape).permute(1, 0, 3, 2).reshape(u.shape)


def choose_scan(backend: Backend, device: torch.device, dtype: torch.dtype, length: int) -> Callable[..., Tensor]:
    """Pick the implementation for tensors on `device`; double precision, which the kernel lacks, is plain torch.

    Raises
    ------
    ValueError
        If `mamba_ssm` is asked for and cannot run here.
    """
    if dtype == torch.float64:
        return selective_scan
    return selective_scan_cuda if resolve_backend(backend, device, length > 1) == "mamba_ssm" else selective_scan


def resolve_backend(backend: Backend, device: torch.device, several_tokens: bool) -> Literal["torch", "mamba_ssm"]:
    """Say which backend runs for rows of one or `several_tokens` on `device`; see `choose_scan`.

    `auto` leaves a single token to torch: its closed form takes a small part of the kernel's time.
    """
    usable = device.type == "cuda" and _cuda_kernel() is not None
    if backend == "mamba_ssm" and not usable:
        raise ValueError(
            "backend 'mamba_ssm' needs a CUDA device and the mamba-ssm package: "
            "pip install -e '.[cuda]', or set backend to 'auto' or 'torch'"
        )
    if backend == "auto":
        return "mamba_ssm" if usable and several_tokens else "torch"
    return backend


def log_backend(backend: Backend, device: torch.device, several_tokens: bool) -> str:
    """Write to the log which scan and which device a run uses; return the backend's name."""
    name = resolve_backend(backend, device, several_tokens)
    logger.info("Selective scan: %s on %s", "mamba-ssm CUDA kernel" if name == "mamba_ssm" else "plain torch", device)
    return name


@functools.cache
def _cuda_kernel() -> Callable[..., Tensor] | None:
    try:
        return importlib.import_module("mamba_ssm.ops.selective_scan_interface").selective_scan_fn
    except ImportError:
        return None
