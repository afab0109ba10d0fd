"""The Mamba block and what stands beside it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from swift_hydra_kedro.config.base import Config


class AdditiveConfig(Config):
    """The additive path: linear in a row's views, trained apart from the blocks, averaged with them."""

    share: float = Field(
        0.3, gt=0, lt=1, description="Expected weight of its probability; rows not drawn by experts correct it."
    )
    caution: float = Field(
        3.0,
        ge=0,
        description="Part of 1 - AUC-ROC, times the root of the rarer class's rows, that a share further off by 1 must "
        "bring.",
    )
    penalty: float = Field(4.0, ge=0, description="Weight of half its squared weights, over the training rows.")
    learning_rate: float = Field(3e-2, gt=0, description="Adam's learning rate.")


class MambaConfig(Config):
    """A stack of Mamba blocks over a row (section 3.1 and table 2)."""

    block: Literal["mamba", "mlp", "transformer"] = Field(
        "mamba", description="What the stack is made of; the others are there for comparison."
    )
    d_model: int = Field(32, ge=1, description="Width of a token.")
    d_state: int = Field(16, ge=1, description="Size N of the state per channel.")
    d_conv: int = Field(4, ge=1, description="Taps of the causal convolution.")
    expand: int = Field(2, ge=1, description="Inner width / d_model.")
    depth: int = Field(2, ge=1, description="Number of blocks.")
    tokens: Literal["record", "feature"] = Field(
        "record",
        description="record: the row is one token. feature: each feature is a token, the scan runs over features.",
    )
    bins: int = Field(
        16,
        ge=0,
        description="Quantile bins of the piecewise-linear and normal views; 0 or 1 feeds the scaled features alone.",
    )
    additive: AdditiveConfig | None = Field(
        None, description="A path beside the blocks that adds up one curve per feature; none if null."
    )
    backend: Literal["auto", "torch", "mamba_ssm"] = Field(
        "auto",
        description="Selective scan: plain torch, or mamba-ssm's CUDA kernel; auto takes the kernel for several "
        "tokens where it can run.",
    )

    @model_validator(mode="after")
    def _every_token_is_seen(self) -> MambaConfig:
        if self.block == "mlp" and self.tokens == "feature":
            raise ValueError("an mlp keeps tokens apart: with tokens 'feature' it would see the last feature alone")
        return self

    @property
    def several_tokens(self) -> bool:
        """Whether a row is more than one token to the blocks."""
        return self.tokens == "feature"
