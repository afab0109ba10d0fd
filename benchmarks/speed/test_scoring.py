"""How long methods take to score the test rows of ADBench tables, and one row, all in one run.

usage: make speed DATA=FOLDER [ARGS="--datasets 8_celeba,10_cover --methods swift_hydra,lightgbm"]

Each method trains on 40 % of a table, with all cores, and scores the others from raw features to probabilities. Swift
Hydra trains its committee as ever, which decides whether its mixture looks at neighbours; the mixture learns from it
for a few steps only, and there is no synthesis, for neither makes a difference to speed. The least of some rounds
counts: machines are shared.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accuracy import PEERS
from splits import Split

from swift_hydra_kedro import SwiftHydraClassifier
from swift_hydra_kedro.config import PreparationConfig, PretrainingConfig
from swift_hydra_kedro.data.preprocessing import TablePreprocessor
from swift_hydra_kedro.data.table import LabelledTable, feature_frame
from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.encoding import PiecewiseLinearEncoding
from swift_hydra_kedro.models.inference import Predictor

TRAIN_SIZE, ROUNDS, ROUNDS_OF_ONE = 0.4, 3, 50
BRIEF = {"max_steps": 10, "min_steps": 1}
PAPER = {"detector": {"mamba": {"d_model": 134, "depth": 2, "bins": 0}}}  # `conf/paper`: the parameters of table 3

Score = Callable[[np.ndarray], np.ndarray]


def swift_hydra(train: LabelledTable, n_experts: int) -> Score:
    """The estimator with so many experts."""
    detection = {"experts": {"n_experts": n_experts}, "gate": {"training": BRIEF, "joint_training": BRIEF}}
    model = SwiftHydraClassifier(random_state=0, synthesis={"enabled": False}, detection=detection)
    return peer(train, lambda seed: model)


def peer(train: LabelledTable, build: Callable[[int], Any]) -> Score:
    """A classifier with the interface of scikit-learn."""
    model = build(0).fit(train.features.to_numpy(), train.label.to_numpy())
    return lambda x: model.predict_proba(x)[:, 1]


def single_detector(train: LabelledTable) -> Score:
    """The paper's detector with random weights, behind the same preparation of the features."""
    fitted = TablePreprocessor.fit(train.features, PreparationConfig())
    config = PretrainingConfig.with_overrides(PAPER).detector.mamba
    encoding = PiecewiseLinearEncoding.fit(fitted.transform(train.features), config.bins)
    score = Predictor(MambaDetector(encoding, config).eval())
    return lambda x: score(fitted.transform(feature_frame(x)))


METHODS: dict[str, Callable[[LabelledTable], Score]] = {
    "swift_hydra": partial(swift_hydra, n_experts=20),
    "80 experts": partial(swift_hydra, n_experts=80),
    "single detector": single_detector,
    **{name: partial(peer, build=build) for name, build in PEERS.items()},
}


@pytest.fixture(scope="module")
def fitted(table: Path, method: str) -> tuple[Score, np.ndarray]:
    """A method that was trained on a table, and the rows to score."""
    torch.manual_seed(0)
    cell = Split.read(table, TRAIN_SIZE, 0)
    return METHODS[method](cell.train), cell.test.features.to_numpy()


def test_scoring(benchmark, table, method, fitted):
    """All test rows."""
    score, x = fitted
    benchmark.extra_info |= {"table": table.stem, "method": method, "rows": len(x), "features": x.shape[1]}
    found = benchmark.pedantic(score, (x,), rounds=ROUNDS, warmup_rounds=1)
    assert found.shape == (len(x),)


def test_scoring_one_row(benchmark, table, method, fitted):
    """One row by itself, again and again."""
    score, x = fitted
    benchmark.extra_info |= {"table": table.stem, "method": method, "rows": 1, "features": x.shape[1]}
    found = benchmark.pedantic(score, (x[:1],), rounds=ROUNDS_OF_ONE, warmup_rounds=10)
    assert found.shape == (1,)
