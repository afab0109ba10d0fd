"""Least and largest numbers of rows, beside torch's own."""

import pytest
import torch

from swift_hydra_kedro.models.extremes import FEW, argmin_of_rows, largest_of_rows


@pytest.fixture
def rows() -> torch.Tensor:
    return torch.randn(500, 20, generator=torch.Generator().manual_seed(0))


def test_the_least_of_each_row_is_torchs(rows):
    assert torch.equal(argmin_of_rows(rows), rows.argmin(1))


@pytest.mark.parametrize("k", [1, 2, FEW, FEW + 1, 20])
def test_the_largest_of_each_row_are_torchs_in_order(rows, k):
    assert torch.equal(largest_of_rows(rows, k), rows.topk(k).indices)


def test_rows_are_left_as_they_were(rows):
    before = rows.clone()
    largest_of_rows(rows.requires_grad_(), 2)
    assert torch.equal(rows, before)


def test_of_no_rows_there_are_none():
    assert largest_of_rows(torch.empty(0, 5), 2).shape == (0, 2)


def test_more_than_there_are_cannot_be_had():
    with pytest.raises(RuntimeError, match="out of range"):
        largest_of_rows(torch.zeros(4, 1), 2)
