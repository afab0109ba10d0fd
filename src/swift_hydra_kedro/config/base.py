"""The base of all configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """Base of all configuration: immutable, and a misspelt field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def with_overrides(cls, overrides: Mapping[str, Any] | None) -> Self:
        """Replace the fields that `overrides` names, at any depth, and keep the other defaults.

        Raises
        ------
        ValueError
            If a field is unknown or a value out of range.
        """
        return cls().updated(overrides or {})

    def updated(self, overrides: Mapping[str, Any]) -> Self:
        """Replace the fields that `overrides` names, at any depth, and keep the others as they are here.

        Raises
        ------
        ValueError
            If a field is unknown or a value out of range.
        """
        return self.model_validate(_merged(self.model_dump(), overrides))


def _merged(defaults: dict[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Replace values of `defaults`, going into what is a mapping on both sides."""
    merged = dict(defaults)
    for name, value in overrides.items():
        inner = defaults.get(name)
        if isinstance(inner, dict) and isinstance(value, Mapping):
            merged[name] = _merged(inner, value)
        else:
            merged[name] = value
    return merged
