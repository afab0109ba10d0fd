"""The plain Mamba that Swift Hydra's paper compares itself with (table 5): its single detector without the rest.

It is trained once, on the given rows, as in the pipeline's pretraining. `swift_hydra_single` is what the episodes of
synthesis then make of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from swift_hydra_kedro.baselines.detectors.base import TorchClassifier
from swift_hydra_kedro.config.pretraining import DetectorConfig
from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.encoding import PiecewiseLinearEncoding
from swift_hydra_kedro.models.fitting import LabelledRows, fit_detector
from swift_hydra_kedro.models.inference import Predictor
from swift_hydra_kedro.models.runtime import Generators
from swift_hydra_kedro.synthesis.pretraining import hold_out


class MambaClassifier(TorchClassifier):
    """The single Mamba detector (section 3.1).

    Parameters
    ----------
    detector : fields of `DetectorConfig` and their values, where they differ from its defaults
    device, random_state : see `TorchDetector`
    """

    def __init__(
        self,
        *,
        detector: Mapping[str, Any] | None = None,
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(device=device, random_state=random_state)
        self.detector = detector

    def _train(self, x: Tensor, y: Tensor, rng: Generators) -> None:
        config = DetectorConfig.with_overrides(self.detector)
        seed = int(rng.numpy.integers(2**31))
        rows, held_out = hold_out(LabelledRows(x, y, torch.ones_like(y)), config.holdout_share, seed)
        encoding = PiecewiseLinearEncoding.fit(rows.x.cpu().numpy(), config.mamba.bins)
        self.network_ = MambaDetector(encoding, config.mamba).to(x.device)
        fit_detector(self.network_, rows, held_out, config.training, rng.torch)
        self.predictor_ = Predictor(self.network_)

    def _score(self, x: Tensor) -> Tensor:
        return torch.from_numpy(self.predictor_(x.cpu().numpy()))
