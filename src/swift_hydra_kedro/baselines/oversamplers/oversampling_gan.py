"""Oversampling GAN (Nazari and Branco, LIDTA 2021): a conditional GAN learns both classes, and is asked for one.

Generator and discriminator are told the class (Mirza and Osindero, 2014), so that the few minority rows borrow from
the many others what both have in common. Where the paper leaves a choice: two hidden layers each, the generator's loss
that does not saturate (Goodfellow et al., 2014, section 3), batches with as many minority rows as others, Adam as is
usual for GANs, and samples from the moving average of the generator's weights, which circles less than the last ones.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, cast

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from swift_hydra_kedro.baselines.oversamplers.base import OwnOverSampler
from swift_hydra_kedro.baselines.oversamplers.standardisation import Standardisation, generator_of
from swift_hydra_kedro.baselines.training import descend
from swift_hydra_kedro.models.batches import batches
from swift_hydra_kedro.models.layers import seeded_init
from swift_hydra_kedro.models.runtime import choose_device, narrow_threads

CHUNK = 8192
SLOPE = 0.2
BETAS = (0.5, 0.9)
DECAY = 0.99


class OversamplingGAN(OwnOverSampler):
    """Rows of the minority from a conditional GAN.

    Parameters
    ----------
    steps : updates of either network
    batch_size : rows of a batch, half of them of the minority
    noise_size : of the generator's noise `z`
    hidden_size : of both networks' layers
    learning_rate : of both networks
    device : {"auto", "cpu", "cuda"}, where torch computes
    sampling_strategy, random_state : as in all over-samplers
    """

    _parameter_constraints: ClassVar[dict] = {
        **OwnOverSampler._parameter_constraints,
        **{name: [Interval(Integral, 1, None, closed="left")] for name in ("steps", "noise_size", "hidden_size")},
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "device": [StrOptions({"auto", "cpu", "cuda"})],
    }

    def __init__(
        self,
        *,
        steps: int = 1000,
        batch_size: int = 128,
        noise_size: int = 32,
        hidden_size: int = 128,
        learning_rate: float = 5e-4,
        device: str = "auto",
        sampling_strategy: Any = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy, random_state=random_state)
        self.steps, self.batch_size, self.learning_rate = steps, batch_size, learning_rate
        self.noise_size, self.hidden_size, self.device = noise_size, hidden_size, device

    def _make(self, minority: np.ndarray, majority: np.ndarray, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        device = choose_device(self.device)
        generator = generator_of(rng, device)
        rows = np.concatenate([minority, majority])
        standardisation = Standardisation.fit(rows)
        label = (torch.arange(len(rows), device=device) < len(minority)).float()
        with seeded_init(generator), narrow_threads(rows.shape[1]):
            sampler = self._trained(standardisation.apply(rows, device), label, generator)
            return standardisation.undo(sampler.sample(n_samples, generator))

    def _trained(self, x: Tensor, label: Tensor, generator: torch.Generator) -> Generator:
        """A generator trained on standardised rows `x (N, P)`; label `(N,)` is 1 for the minority."""
        maker = Generator(self.noise_size, x.shape[1], self.hidden_size).to(x.device)
        judge = _network(x.shape[1] + 1, 1, self.hidden_size).to(x.device)
        average = AveragedModel(maker, multi_avg_fn=get_ema_multi_avg_fn(DECAY))
        makers, judges = (
            torch.optim.Adam(net.parameters(), self.learning_rate, BETAS, fused=True) for net in (maker, judge)
        )
        for number in batches(label, self.steps, self.batch_size, True, generator):
            told = label[number]  # (B,)
            made = maker(maker.noise(len(told), generator), told)  # (B, P)
            real, fake = (judge(_with_label(rows, told)) for rows in (x[number], made.detach()))
            descend(discriminator_loss(real, fake), judges)
            descend(generator_loss(judge(_with_label(made, told))), makers)
            average.update_parameters(maker)
        return cast(Generator, average.module)


class Generator(nn.Module):
    """Noise `z (B, Z)` and label `(B,)` -> standardised rows `(B, P)`."""

    def __init__(self, noise_size: int, n_features: int, hidden_size: int) -> None:
        super().__init__()
        self.noise_size = noise_size
        self.net = _network(noise_size + 1, n_features, hidden_size)

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        """Make a row of each label."""
        return self.net(_with_label(z, label))

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """Standard normal noise, `(n, Z)`."""
        return torch.randn(n, self.noise_size, generator=generator, device=generator.device)

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Standardised rows of the minority, `(n, P)`."""
        parts = [self.noise(len(part), generator) for part in torch.arange(n).split(CHUNK)]
        return torch.cat([self(z, z.new_ones(len(z))) for z in parts])


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """`-mean log D(x | y) - mean log(1 - D(G(z | y) | y))`, of logits of real and made rows, `(B, 1)` each."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def generator_loss(fake: Tensor) -> Tensor:
    """`-mean log D(G(z | y) | y)`, of logits `(B, 1)`."""
    return F.softplus(-fake).mean()


def _network(n_in: int, n_out: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(n_in, hidden), nn.LeakyReLU(SLOPE), nn.Linear(hidden, hidden), nn.LeakyReLU(SLOPE),
        nn.Linear(hidden, n_out),
    )  # fmt: skip


def _with_label(rows: Tensor, label: Tensor) -> Tensor:
    """Rows `(B, Q)` with the label `(B,)`, -1 or 1, as a column of its own: `(B, Q + 1)`."""
    return torch.cat([rows, 2 * label.unsqueeze(1) - 1], dim=1)
