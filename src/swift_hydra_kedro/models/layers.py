"""Layers whose weights may be stacked: one pass computes many networks of the same shape.

A layer with `stack=(M,)` holds M independent sets of weights and maps `(M, B, ...)` to
`(M, B, ...)`; with `stack=()` it is the ordinary layer, with the ordinary parameter shapes. The
weights themselves say how they are stacked, so a layer can be run with a slice of them.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

MULTIPLE = 32
_GLOBAL_RANDOMNESS = threading.RLock()
Stack = tuple[int, ...]


def fork(generator: torch.Generator) -> torch.Generator:
    """Return a generator of its own on the same device, seeded by the next number of `generator`."""
    seed = torch.randint(2**62, (), generator=generator, device=generator.device)
    return torch.Generator(generator.device).manual_seed(int(seed))


def blocks_of_groups(group: Tensor, n_groups: int, size: int = MULTIPLE) -> tuple[Tensor, Tensor]:
    """Positions in `group (N,)`, which numbers the group of each, in blocks of one group: `(n, size)`, `(n,)`.

    The blocks are in the order of the groups, which their numbers say. The last of a group comes repeatedly until its
    last block is full; see `filled_up`.
    """
    groups = group.cpu().numpy().astype(np.min_scalar_type(n_groups))  # few bits: sorted by radix
    order = groups.argsort(kind="stable")
    count = np.bincount(groups, minlength=n_groups)
    n_blocks = -(-count // size)
    number = np.repeat(np.arange(n_groups), n_blocks)
    before = np.arange(len(number)) - np.repeat(n_blocks.cumsum() - n_blocks, n_blocks)  # blocks of the same group
    member = np.minimum(size * before[:, None] + np.arange(size), count[number, None] - 1)
    positions = order[(count.cumsum() - count)[number, None] + member]
    return torch.from_numpy(positions).to(group.device), torch.from_numpy(number).to(group.device)


def filled_up(rows: Tensor) -> Tensor:
    """Rows `(B, ...)`, and copies of the first up to a multiple of `MULTIPLE`.

    In a product of few rows, sums are rounded in another order; the last elements that do not fill a vector register
    get their exponentials by another routine. With rows filled up, neither befalls any row.
    """
    missing = -len(rows) % MULTIPLE
    return torch.cat([rows, rows[:1].expand(missing, *rows.shape[1:])]) if missing else rows


@contextmanager
def global_randomness_kept(devices: Sequence[torch.device] = ()) -> Iterator[None]:
    """Leave torch's global random state as it was. All threads share it: another one waits until this one is done."""
    with _GLOBAL_RANDOMNESS, torch.random.fork_rng(devices=devices):
        yield


@contextmanager
def seeded_init(generator: torch.Generator) -> Iterator[None]:
    """Let torch's default initialisers and dropout draw from `generator` and leave the global state as it was."""
    on_cuda = generator.device.type == "cuda"  # where dropout draws on the device
    with global_randomness_kept([generator.device] if on_cuda else []):
        seed = fork(generator).initial_seed()
        torch.default_generator.manual_seed(seed)
        if on_cuda:
            torch.cuda.default_generators[generator.device.index].manual_seed(seed)
        yield


class StackedLinear(nn.Module):
    """`nn.Linear` with leading stack dimensions.

    Shape: `(*stack, ..., n_in)` -> `(*stack, ..., n_out)`. Rows `(B, n_in)` are shared by all maps of a
    stack: one wide matrix product, without a copy of the rows for each.
    """

    def __init__(self, n_in: int, n_out: int, stack: Stack = (), bias: bool = True) -> None:
        super().__init__()
        bound = 1 / math.sqrt(n_in)
        self.weight = nn.Parameter(torch.empty(*stack, n_out, n_in).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(*stack, n_out).uniform_(-bound, bound)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Apply each stacked linear map to its own slice of `x`."""
        stack = self.weight.shape[:-2]
        if not stack:
            return nn.functional.linear(x, self.weight, self.bias)
        if x.ndim == 2:
            bias = None if self.bias is None else self.bias.flatten()
            y = nn.functional.linear(x, self.weight.flatten(0, -2), bias)  # (B, prod(stack) * n_out)
            return y.reshape(len(x), *stack, self.weight.shape[-2]).movedim(0, -2)
        flat = x.reshape(*stack, -1, x.shape[-1])  # (*stack, rows, n_in)
        y = flat @ self.weight.mT
        if self.bias is not None:
            y = y + self.bias.unsqueeze(-2)
        return y.reshape(*x.shape[:-1], self.weight.shape[-2])


class RMSNorm(nn.Module):
    """Root-mean-square normalisation of the last dimension, with a stacked gain.

    Shape: `(*stack, ..., width)` -> the same.
    """

    def __init__(self, width: int, stack: Stack = (), eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(*stack, width))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise and scale."""
        x = x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps)
        return x * align(self.weight, self.weight.ndim - 1, x.ndim)


def align(weight: Tensor, n_stack: int, ndim: int) -> Tensor:
    """Insert singleton dimensions behind the `n_stack` stack dimensions, up to `ndim` dimensions."""
    missing = ndim - weight.ndim
    return weight.reshape(*weight.shape[:n_stack], *(1,) * missing, *weight.shape[n_stack:])
