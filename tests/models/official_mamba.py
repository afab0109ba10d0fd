"""The reference scan and the `Mamba` class of mamba-ssm itself, on a machine without CUDA.

The sources are enough, but `import mamba_ssm` needs CUDA, triton, einops and transformers. Here a bare
package with its `__path__` stands in for `mamba_ssm` while the two modules load, and stubs for the rest.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType

import torch
from torch import Tensor, nn

INSTALL = (
    "MAMBA_SKIP_CUDA_BUILD=TRUE MAMBA_FORCE_BUILD=TRUE "
    "pip install --no-build-isolation --no-deps mamba-ssm==2.3.2.post1"
)
STUBBED = ("mamba_ssm", "einops", "selective_scan_cuda", "causal_conv1d", "triton")

REARRANGE: dict[str, Callable[..., Tensor]] = {
    "d -> d 1": lambda t: t[:, None],
    "b l d -> d (b l)": lambda t: t.flatten(0, 1).mT,
    "d (b l) -> b d l": lambda t, **size: t.unflatten(1, (-1, size["l"])).transpose(0, 1),
    "b d l -> (b l) d": lambda t: t.mT.flatten(0, 1),
    "(b l) dstate -> b dstate l": lambda t, **size: t.unflatten(0, (-1, size["l"])).mT,
    "b d l -> b l d": lambda t: t.mT,
}
REPEAT: dict[str, Callable[..., Tensor]] = {
    "n -> d n": lambda t, d: t.repeat(d, 1),
    "B G N L -> B (G H) N L": lambda t, H: t.repeat_interleave(H, dim=1),
}


@dataclass(frozen=True)
class OfficialMamba:
    """What mamba-ssm ships: `selective_scan_ref`, and the `Mamba` class, made to run on that scan."""

    selective_scan_ref: Callable[..., Tensor]
    Mamba: type[nn.Module]


def load() -> OfficialMamba:
    """Load both from the installed sources.

    Raises
    ------
    ModuleNotFoundError
        If the sources are not installed; the message names the command that installs them.
    """
    spec = importlib.util.find_spec("mamba_ssm")
    if spec is None:
        raise ModuleNotFoundError(f"the parity tests need the sources of mamba-ssm; install them by\n{INSTALL}")
    with _stubs(list(spec.submodule_search_locations or [])):
        interface = importlib.import_module("mamba_ssm.ops.selective_scan_interface")
        simple = importlib.import_module("mamba_ssm.modules.mamba_simple")
    simple.selective_scan_fn = interface.selective_scan_ref  # what CUDA's kernel computes
    return OfficialMamba(interface.selective_scan_ref, simple.Mamba)


@contextmanager
def _stubs(path: list[str]) -> Iterator[None]:
    """Put stand-ins into `sys.modules`, and afterwards what was there before."""
    saved = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] in STUBBED}
    stubs = {
        "mamba_ssm": _module("mamba_ssm", __path__=path),
        "mamba_ssm.ops.triton.layer_norm": _module(
            "layer_norm", _layer_norm_fwd=None, RMSNorm=None, layer_norm_fn=None, rms_norm_fn=None
        ),
        "einops": _module(
            "einops",
            rearrange=lambda t, pattern, **sizes: REARRANGE[pattern](t, **sizes),
            repeat=lambda t, pattern, **sizes: REPEAT[pattern](t, **sizes),
        ),
        "selective_scan_cuda": _module("selective_scan_cuda"),
    }
    absent = {"causal_conv1d": None, "triton": None}  # None makes their import fail, also where they are installed
    sys.modules.update(stubs)
    sys.modules.update(absent)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] in STUBBED]:
            del sys.modules[name]
        sys.modules.update(saved)


def _module(name: str, **attributes: object) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(attributes)
    return module


def scan_by_reference(
    reference: Callable[..., Tensor], u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor
) -> Tensor:
    """`reference` with the shapes of our `selective_scan`; stacks travel as groups, one stack dimension at most."""
    if D.ndim == 1:
        return reference(u.mT, delta.mT, A, B.mT, C.mT, D).mT
    m, b, length, channels = u.shape
    side_by_side = [t.permute(1, 0, 3, 2).reshape(b, m * channels, length) for t in (u, delta)]
    per_group = [t.permute(1, 0, 3, 2) for t in (B, C)]  # (b, m, states, l)
    y = reference(*side_by_side, A.flatten(0, 1), *per_group, D.flatten())
    return y.reshape(b, m, channels, length).permute(1, 0, 3, 2)


def scan_arguments(
    length: int, stack: tuple[int, ...] = (), dtype: torch.dtype = torch.float64, seed: int = 0
) -> tuple[Tensor, ...]:
    """Random `u, delta, A, B, C, D` of a batch of 2, 3 channels and 4 states, all with gradients."""
    generator = torch.Generator().manual_seed(seed)
    sizes = [(2, length, 3), (2, length, 3), (3, 4), (2, length, 4), (2, length, 4), (3,)]
    u, delta, A, B, C, D = (torch.randn(*stack, *size, generator=generator, dtype=dtype) for size in sizes)
    return tuple(t.requires_grad_() for t in (u, delta.exp(), -A.exp(), B, C, D))
