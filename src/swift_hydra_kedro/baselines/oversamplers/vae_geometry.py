"""VAE-Geometry (Chadebec et al., TPAMI 2023): a VAE of the minority alone, sampled where its own metric says rows are.

The model and its loss are `pythae`'s, of the method's author: a Riemannian Hamiltonian VAE, which learns the metric of
its latent space,

    G(z)^-1 = sum_i L_i L_i^T exp(-|z - c_i|^2 / T^2) + lambda I,    with the code c_i and a matrix L_i of each row,

and whose samples are decoded from `z ~ sqrt(det G(z)^-1)`, drawn by Hamiltonian Monte Carlo from codes on. Trainer and
sampler of `pythae` are not used: they write to disk and the console, and go to a GPU and its global random state where
there is one. Where the paper, which is about images, is silent: columns are standardised, values further out than
`CLIP` deviations are drawn in, and the decoder, linear at its end, has normal noise of `noise` deviations: with noise
of 1, as usual for images, the codes of most tables would carry nothing. The networks have one hidden layer each.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from pythae.models import RHVAE, RHVAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder, BaseMetric
from sklearn.utils._param_validation import Interval
from torch import Tensor, nn

from swift_hydra_kedro.baselines.oversamplers.base import OwnOverSampler
from swift_hydra_kedro.baselines.oversamplers.standardisation import Standardisation, generator_of
from swift_hydra_kedro.baselines.training import descend
from swift_hydra_kedro.models.batches import batches
from swift_hydra_kedro.models.layers import seeded_init
from swift_hydra_kedro.models.runtime import narrow_threads

logger = logging.getLogger(__name__)
CPU = torch.device("cpu")
HIDDEN = 128
MAX_CENTROIDS = 200
CHUNK = 1024
CLIP = 5.0


class VAEGeometry(OwnOverSampler):
    """Rows of the minority from a Riemannian Hamiltonian VAE, on a CPU.

    Parameters
    ----------
    steps : updates of the networks
    batch_size : rows of a batch
    latent_size : of the codes; no more than there are columns
    noise : standard deviation of the decoder's noise, in those of the columns
    temperature, regularisation : `T` and `lambda` of the metric
    learning_rate : of Adam
    walk, leapfrogs, step_size : moves of a Markov chain, leapfrog steps of a move, and how long these are
    max_distinct : of more rows than this, the others repeat rows drawn at random, and the log says so
    sampling_strategy, random_state : as in all over-samplers
    """

    _parameter_constraints: ClassVar[dict] = {
        **OwnOverSampler._parameter_constraints,
        **{
            name: [Interval(Integral, 1, None, closed="left")]
            for name in ("steps", "batch_size", "latent_size", "walk", "leapfrogs", "max_distinct")
        },
        **{
            name: [Interval(Real, 0, None, closed="neither")]
            for name in ("noise", "temperature", "regularisation", "learning_rate", "step_size")
        },
    }

    def __init__(
        self,
        *,
        steps: int = 100,
        batch_size: int = 64,
        latent_size: int = 5,
        noise: float = 0.2,
        temperature: float = 1.5,
        regularisation: float = 0.01,
        learning_rate: float = 5e-3,
        walk: int = 50,
        leapfrogs: int = 10,
        step_size: float = 0.03,
        max_distinct: int = 2048,
        sampling_strategy: Any = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy, random_state=random_state)
        self.steps, self.batch_size, self.learning_rate = steps, batch_size, learning_rate
        self.latent_size, self.noise = latent_size, noise
        self.temperature, self.regularisation = temperature, regularisation
        self.walk, self.leapfrogs, self.step_size, self.max_distinct = walk, leapfrogs, step_size, max_distinct

    def _make(self, minority: np.ndarray, majority: np.ndarray, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        standardisation = Standardisation.fit(minority)
        if not standardisation.deviation.any():
            logger.warning("a VAE has nothing to learn from equal rows: they are repeated instead")
            return np.repeat(minority[:1], n_samples, axis=0)
        generator = generator_of(rng, CPU)
        x = standardisation.apply(minority, CPU).clamp(-CLIP, CLIP) / self.noise
        with seeded_init(generator), narrow_threads(x.shape[1]):
            model = self._trained(x, generator)
            z = self._codes(Metric.of(model), min(n_samples, self.max_distinct), generator)
            with torch.no_grad():
                made = model.decoder(z)["reconstruction"] * self.noise  # (n, P)
        rows = standardisation.undo(made)
        if n_samples <= len(rows):
            return rows
        logger.warning("%d of the %d rows made are distinct: the method's limit", len(rows), n_samples)
        return np.concatenate([rows, rng.choice(rows, n_samples - len(rows))])

    def _trained(self, x: Tensor, generator: torch.Generator) -> RHVAE:
        """A model trained on rows `x (m, P)`, with the metric of at most `MAX_CENTROIDS` of them."""
        model = self._untrained(x.shape[1])
        optimiser = torch.optim.Adam(model.parameters(), self.learning_rate)
        numbers = batches(x.new_ones(len(x)), self.steps, min(self.batch_size, len(x)), False, generator)
        for number in numbers:
            descend(model({"data": x[number]}).loss, optimiser)
        for former in (model.M, model.centroids):  # of the weights there were on the way
            former.clear()
        model({"data": x[torch.randperm(len(x), generator=generator)[:MAX_CENTROIDS]]})
        model.update()
        return model.eval()

    def _untrained(self, n_features: int) -> RHVAE:
        latent_size = min(self.latent_size, n_features)
        config = RHVAEConfig(
            input_dim=(n_features,),
            latent_dim=latent_size,
            temperature=self.temperature,
            regularization=self.regularisation,
        )
        encoder, root = (part(n_features, latent_size) for part in (Encoder, Root))
        return RHVAE(config, encoder, Decoder(latent_size, n_features), root)

    def _codes(self, metric: Metric, n: int, generator: torch.Generator) -> Tensor:
        """Codes from as many Markov chains, `(n, d)`."""
        start = metric.centroids[torch.randint(len(metric.centroids), (n,), generator=generator)]
        walk = (self.walk, self.leapfrogs, self.step_size)
        return torch.cat([hamiltonian_walk(metric, z, *walk, generator) for z in start.split(CHUNK)])


class Encoder(BaseEncoder):
    """Rows `(B, P)` -> mean and log variance of their codes, `(B, d)` each."""

    def __init__(self, n_features: int, latent_size: int) -> None:
        super().__init__()
        self.net = _network(n_features, 2 * latent_size)

    def forward(self, x: Tensor) -> ModelOutput:
        """Encode."""
        mean, log_variance = self.net(x).chunk(2, dim=1)
        return ModelOutput(embedding=mean, log_covariance=log_variance)


class Decoder(BaseDecoder):
    """Codes `(B, d)` -> rows `(B, P)`; the library's own ends between 0 and 1, as images do."""

    def __init__(self, latent_size: int, n_features: int) -> None:
        super().__init__()
        self.net = _network(latent_size, n_features)

    def forward(self, z: Tensor) -> ModelOutput:
        """Decode."""
        return ModelOutput(reconstruction=self.net(z))


class Root(BaseMetric):
    """Rows `(B, P)` -> lower triangular matrices `L (B, d, d)`, with a positive, bounded diagonal."""

    def __init__(self, n_features: int, latent_size: int) -> None:
        super().__init__()
        self.latent_size = latent_size
        self.net = _network(n_features, latent_size * latent_size)

    def forward(self, x: Tensor) -> ModelOutput:
        """Give each row its matrix."""
        raw = self.net(x).tanh().view(-1, self.latent_size, self.latent_size)
        return ModelOutput(L=raw.tril(-1) + torch.diag_embed(raw.diagonal(dim1=1, dim2=2).exp()))


def _network(n_in: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(n_in, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, n_out))


@dataclass(frozen=True)
class Metric:
    """`G(z)^-1` of a latent space, and the logarithm of its volume `sqrt(det G(z)^-1)`.

    Attributes
    ----------
    matrices : `L_i L_i^T`, `(C, d, d)`
    centroids : `c_i`, `(C, d)`
    temperature, regularisation : `T` and `lambda`
    """

    matrices: Tensor
    centroids: Tensor
    temperature: float
    regularisation: float

    @classmethod
    def of(cls, model: RHVAE) -> Metric:
        """The metric that a model has learned."""
        return cls(model.M_tens, model.centroids_tens, float(model.temperature), float(model.lbd))

    def log_volume(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """`log det G(z)^-1 / 2` at codes `(n, d)`, `(n,)`, and its gradient, `(n, d)`.

        By Jacobi's formula, `d log det A = tr(A^-1 dA)`.
        """
        weights = self._weights(z)  # (n, C)
        root = torch.linalg.cholesky(self._inverse(weights))  # (n, d, d)
        traces = torch.cholesky_inverse(root).flatten(1) @ self.matrices.flatten(1).T  # (n, C)
        pull = weights * traces / self.temperature**2
        gradient = pull @ self.centroids - pull.sum(1, keepdim=True) * z
        return root.diagonal(dim1=1, dim2=2).log().sum(1), gradient

    def _weights(self, z: Tensor) -> Tensor:
        return torch.exp(-torch.cdist(z, self.centroids).square() / self.temperature**2)

    def _inverse(self, weights: Tensor) -> Tensor:
        d = self.centroids.shape[1]
        return (weights @ self.matrices.flatten(1)).view(-1, d, d) + self.regularisation * torch.eye(d)


def hamiltonian_walk(
    metric: Metric, z: Tensor, walk: int, leapfrogs: int, step_size: float, generator: torch.Generator
) -> Tensor:
    """Where Markov chains from codes `z (n, d)` are after `walk` moves: `(n, d)`."""
    log_volume, pull = metric.log_volume(z)
    for _ in range(walk):
        momentum = torch.randn(z.shape, generator=generator)
        energy = momentum.square().sum(1) / 2 - log_volume
        new_z, new_volume, new_pull = z, log_volume, pull
        for _ in range(leapfrogs):
            momentum = momentum + step_size / 2 * new_pull
            new_z = new_z + step_size * momentum
            new_volume, new_pull = metric.log_volume(new_z)
            momentum = momentum + step_size / 2 * new_pull
        gain = energy - momentum.square().sum(1) / 2 + new_volume
        moves = torch.rand(len(z), generator=generator).log() < gain  # (n,)
        z, pull = (torch.where(moves[:, None], new, old) for new, old in ((new_z, z), (new_pull, pull)))
        log_volume = torch.where(moves, new_volume, log_volume)
    return z
