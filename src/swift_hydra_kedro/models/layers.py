"""Layers whose weights may be stacked: one pass computes many networks of the same shape.

A layer with `stack=(M,)` holds M independent sets of weights and maps `(M, B, ...)` to
`(M, B, ...)`; with `stack=()` it is the ordinary layer, with the ordinary parameter shapes. The
weights themselves say how they are stacked, so a layer can be run with a slice of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

MULTIPLE = 16
Stack = tuple[int, ...]


def fork(generator: torch.Generator) -> torch.Generator:
    """Return a generator of its own on the same device, seeded by the next number of `generator`."""
    seed = torch.randint(2**62, (), generator=generator, device=generator.device)
    return torch.Generator(generator.device).manual_seed(int(seed))


def members_of_groups(group: Tensor, n_groups: int, at_most: int | None = None) -> Iterator[tuple[int, Tensor]]:
    """Each group that has members, with their positions in `group (N,)`, which numbers the group of each.

    A large group comes in parts of `at_most` members, which fit the processor's cache.
    """
    order = group.argsort(stable=True)
    start = 0
    for number, count in enumerate(torch.bincount(group, minlength=n_groups).tolist()):
        if count:
            for part in order[start : start + count].split(at_most or count):
                yield number, part
            start += count


def filled_up(rows: Tensor) -> Tensor:
    """Rows `(B, ...)`, and copies of the first up to a multiple of `MULTIPLE`.

    In a product of few rows, sums are rounded in another order; the last elements that do not fill a vector register
    get their exponentials by another routine. With rows filled up, neither befalls any row.
    """
    missing = -len(rows) % MULTIPLE
    return torch.cat([rows, rows[:1].expand(missing, *rows.shape[1:])]) if missing else rows


@contextmanager
def seeded_init(generator: torch.Generator) -> Iterator[None]:
    """Let torch's default initialisers draw from `generator` and leave the global state as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(fork(generator).initial_seed())
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
