"""Batches of rows that are described by several tensors, which can be put one behind the other."""

from __future__ import annotations

from dataclasses import fields
from typing import Self

import torch


class Joinable:
    """A dataclass whose fields are all tensors with one entry per row."""

    def join(self, other: Self) -> Self:
        """These rows and then the others."""
        names = [field.name for field in fields(self)]  # type: ignore[arg-type]
        return type(self)(**{name: torch.cat([getattr(self, name), getattr(other, name)]) for name in names})
