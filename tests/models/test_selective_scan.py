"""The scan against mamba-ssm's own reference, a token-by-token loop, and finite differences."""

import logging

import pytest
import torch

from swift_hydra_kedro.models import selective_scan as module
from swift_hydra_kedro.models.selective_scan import (
    choose_scan,
    log_backend,
    resolve_backend,
    selective_scan,
    selective_scan_cuda,
)

from .official_mamba import scan_arguments, scan_by_reference

LENGTHS = (1, 2, 3, 4, 5, 8, 13, 16)
CPU = torch.device("cpu")


def token_by_token(u, delta, A, B, C, D):
    h, outputs = 0, []
    for t in range(u.shape[-2]):
        step, x = delta[..., t, :, None], u[..., t, :, None]  # (*stack, b, channels, 1)
        h = torch.exp(step * A.unsqueeze(-3)) * h + step * B[..., t, None, :] * x
        outputs.append((h * C[..., t, None, :]).sum(-1) + u[..., t, :] * D.unsqueeze(-2))
    return torch.stack(outputs, dim=-2)


def gradients(output, arguments):
    cotangent = torch.randn(output.shape, generator=torch.Generator().manual_seed(1), dtype=output.dtype)
    return torch.autograd.grad(output, arguments, cotangent, allow_unused=True, materialize_grads=True)


def assert_same(actual, expected, arguments, **tolerance):
    torch.testing.assert_close(actual, expected, **tolerance)
    for name, ours, theirs in zip(
        ["u", "delta", "A", "B", "C", "D"], gradients(actual, arguments), gradients(expected, arguments), strict=True
    ):
        torch.testing.assert_close(ours, theirs, **tolerance, msg=lambda text, n=name: f"gradient of {n}: {text}")


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("stack", [(), (3,)])
def test_output_and_gradients_equal_the_official_reference(official, length, stack):
    arguments = scan_arguments(length, stack, torch.float32)
    expected = scan_by_reference(official.selective_scan_ref, *arguments)
    assert_same(selective_scan(*arguments), expected, arguments, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("stack", [(), (3,), (2, 2)])
def test_output_and_gradients_equal_a_loop_over_the_tokens(length, stack):
    arguments = scan_arguments(length, stack)
    assert_same(selective_scan(*arguments), token_by_token(*arguments), arguments, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("length", [1, 2, 5])
def test_gradients_equal_finite_differences(length):
    assert torch.autograd.gradcheck(selective_scan, scan_arguments(length))


def test_one_token_needs_no_state_matrix():
    u, delta, A, B, C, D = scan_arguments(1)
    torch.testing.assert_close(selective_scan(u, delta, A, B, C, D), selective_scan(u, delta, 7 * A, B, C, D))


def test_long_steps_forget_the_past_without_overflow():
    u, delta, A, B, C, D = scan_arguments(6)
    delta = delta + 1e4
    alone = selective_scan(u[:, -1:], delta[:, -1:], A, B[:, -1:], C[:, -1:], D)
    torch.testing.assert_close(selective_scan(u, delta, A, B, C, D)[:, -1:], alone)


def test_a_later_token_changes_no_earlier_output_but_its_own():
    u, *others = (t.detach() for t in scan_arguments(6))
    changed = u.clone()
    changed[:, 4] += 1
    before, after = selective_scan(u, *others), selective_scan(changed, *others)
    torch.testing.assert_close(after[:, :4], before[:, :4], rtol=0, atol=0)
    assert ((after[:, 4:] - before[:, 4:]).abs() > 0).all()


@pytest.mark.parametrize("stack", [(), (3,)])
def test_kernels_arguments_are_laid_out_as_the_official_interface_asks(monkeypatch, official, stack):
    monkeypatch.setattr(module, "_cuda_kernel", lambda: official.selective_scan_ref)
    arguments = scan_arguments(5, stack, torch.float32)
    assert_same(selective_scan_cuda(*arguments), selective_scan(*arguments), arguments, rtol=1e-4, atol=1e-4)


def test_kernel_gets_contiguous_float_arrays(monkeypatch):
    seen = []

    def kernel(*arguments):
        seen.extend(arguments)
        return arguments[0]

    monkeypatch.setattr(module, "_cuda_kernel", lambda: kernel)
    selective_scan_cuda(*scan_arguments(5, (3,), torch.float32))
    assert [tuple(t.shape) for t in seen] == [(2, 9, 5), (2, 9, 5), (9, 4), (2, 3, 4, 5), (2, 3, 4, 5), (9,)]
    assert all(t.is_contiguous() and t.dtype == torch.float32 for t in seen)


def test_kernel_on_the_cpu_is_refused_with_a_way_out():
    with pytest.raises(ValueError, match=r"needs a CUDA device and the mamba-ssm package.*'auto' or 'torch'"):
        choose_scan("mamba_ssm", CPU, torch.float32, 3)


@pytest.mark.parametrize("backend", ["auto", "torch"])
def test_cpu_runs_plain_torch(backend):
    assert choose_scan(backend, CPU, torch.float32, 3) is selective_scan


@pytest.mark.parametrize(
    ("backend", "dtype", "length", "expected"),
    [
        ("auto", torch.float32, 2, selective_scan_cuda),
        ("auto", torch.float64, 2, selective_scan),  # which the kernel lacks
        ("auto", torch.float32, 1, selective_scan),  # in closed form
        ("mamba_ssm", torch.float32, 1, selective_scan_cuda),  # as asked for
    ],
)
def test_the_kernel_runs_where_it_can_and_pays(monkeypatch, backend, dtype, length, expected):
    monkeypatch.setattr(module, "_cuda_kernel", lambda: print)
    assert choose_scan(backend, torch.device("cuda"), dtype, length) is expected


@pytest.mark.parametrize(
    ("backend", "kernel", "several_tokens", "expected"),
    [
        ("auto", True, True, "mamba_ssm"),
        ("auto", True, False, "torch"),
        ("auto", False, True, "torch"),
        ("torch", True, True, "torch"),
        ("mamba_ssm", True, False, "mamba_ssm"),
    ],
)
def test_cuda_takes_the_kernel_where_it_is_installed_and_pays(monkeypatch, backend, kernel, several_tokens, expected):
    monkeypatch.setattr(module, "_cuda_kernel", lambda: print if kernel else None)
    assert resolve_backend(backend, torch.device("cuda"), several_tokens) == expected


def test_backend_and_device_are_logged(caplog):
    with caplog.at_level(logging.INFO):
        assert log_backend("auto", CPU, True) == "torch"
    assert caplog.messages == ["Selective scan: plain torch on cpu"]
