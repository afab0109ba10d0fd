"""Swift Hydra and its variants in the registry: each is what its name says. Their results: tests/end_to_end."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from swift_hydra_kedro.baselines.detectors.swift_hydra_single import SwiftHydraSingle
from swift_hydra_kedro.baselines.registry import DETECTORS
from swift_hydra_kedro.baselines.swift_hydra import KL_WEIGHTS, STAGES
from swift_hydra_kedro.config import RunConfig, SwiftHydraConfig
from swift_hydra_kedro.models.blocks import Transformer

from ..budgets import SMOKE

CONFIG = SwiftHydraConfig.model_validate({stage: SMOKE[stage] for stage in STAGES if stage in SMOKE})
TINY = {
    "pretraining": SMOKE["pretraining"] | {"detector": {"mamba": {"d_model": 16}, "training": {"max_steps": 60}}},
    "synthesis": SMOKE["synthesis"] | {"episodes": 1},
}


def built(name, config=CONFIG):
    """The method, not yet trained, and the configuration that it will use."""
    estimator = DETECTORS[name].build(RunConfig(seed=3, device="cpu"), config)
    return estimator, SwiftHydraConfig.with_overrides({stage: getattr(estimator, stage) for stage in STAGES})


@parametrize_with_checks([SwiftHydraSingle(**TINY)])
def test_the_single_detector_is_a_scikit_learn_classifier(estimator, check):
    check(estimator)


def test_the_whole_method_has_the_configuration_of_the_run():
    estimator, config = built("swift_hydra")
    assert config == CONFIG
    assert (estimator.random_state, estimator.device) == (3, "cpu")


def test_without_synthesis_all_else_is_the_same():
    assert built("swift_hydra_no_synthesis")[1] == CONFIG.updated({"synthesis": {"enabled": False}})


@pytest.mark.parametrize("weight", KL_WEIGHTS)
def test_the_weight_of_the_kl_term_is_the_one_in_the_name(weight):
    assert built(f"swift_hydra_kl_{weight}")[1] == CONFIG.updated({"pretraining": {"cvae": {"kl_weight": weight}}})


def test_all_mamba_blocks_become_transformer_blocks():
    estimator, config = built("swift_hydra_transformer")
    parts = (config.pretraining.detector, config.pretraining.judge, config.detection.experts)
    assert [part.mamba.block for part in parts] == ["transformer"] * 3
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(80, 3)), np.arange(80) % 4 == 0
    experts = estimator.fit(x, y).scorer_.mixture.experts
    assert any(isinstance(module, Transformer) for module in experts.modules())


@pytest.mark.parametrize("neighbours", [{"min_rows": 30}, None])
def test_traditional_training_has_no_phase_before_the_gate_and_no_balance(neighbours):
    before = CONFIG.updated({"detection": {"experts": {"neighbours": neighbours}}})
    detection = built("swift_hydra_traditional", before)[1].detection
    assert detection.experts.training.steps(10_000) == detection.gate.training.steps(10_000) == 1
    assert detection.gate.joint_training == before.detection.experts.training
    assert not (detection.gate.distil or detection.gate.balance_weight or detection.gate.expert_weight)
    assert (detection.experts.neighbours is None) == (neighbours is None)
