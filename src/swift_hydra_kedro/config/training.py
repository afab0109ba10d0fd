"""How long and fast anything is trained."""

from __future__ import annotations

from pydantic import Field

from swift_hydra_kedro.config.base import Config


class TrainingConfig(Config):
    """A budget of gradient steps: epochs * batches per epoch, at least min_steps, at most max_steps.

    With `sqrt_rows`, tables of more rows than that get `max_steps * sqrt(rows / sqrt_rows)` steps at most: they
    have more to teach, but not in proportion to their size.
    """

    epochs: int = Field(100, ge=1, description="Passes over the training rows.")
    min_steps: int = Field(1, ge=1, description="Least gradient steps, however few rows there are, up to max_steps.")
    max_steps: int | None = Field(None, ge=1, description="Upper bound on gradient steps; none if null.")
    sqrt_rows: int | None = Field(
        None, ge=1, description="Rows beyond which max_steps grows with the square root of the rows; never if null."
    )
    batch_size: int = Field(256, ge=2, description="Rows per gradient step.")
    learning_rate: float = Field(1e-3, gt=0, description="Adam's learning rate.")

    def steps(self, n_rows: int) -> int:
        """Gradient steps for a table of `n_rows` rows."""
        steps = max(self.min_steps, self.epochs * -(-n_rows // self.batch_size))
        if self.max_steps is None:
            return steps
        growth = 1.0 if self.sqrt_rows is None else max(1.0, n_rows / self.sqrt_rows) ** 0.5
        return min(steps, round(self.max_steps * growth))


class BalancedTrainingConfig(TrainingConfig):
    """A budget of gradient steps on rows that may be balanced on the way."""

    balanced: bool = Field(
        True,
        description="Draw half of each batch from the anomalies. Otherwise batches are drawn from all rows (C-VAE) "
        "or from Trim(rows), drawn once (detector), as algorithm 1 has it.",
    )
