from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from swift_hydra_kedro.config import (
    DetectionConfig,
    EvaluationConfig,
    PreparationConfig,
    PretrainingConfig,
    RunConfig,
    SwiftHydraConfig,
    SynthesisConfig,
    TablesConfig,
    TrainingConfig,
)

CONF = Path(__file__).parents[1] / "conf"
STAGES = {
    "preparation": PreparationConfig,
    "pretraining": PretrainingConfig,
    "synthesis": SynthesisConfig,
    "detection": DetectionConfig,
    "evaluation": EvaluationConfig,
}


@pytest.mark.parametrize("stage", STAGES)
def test_conf_base_spells_out_the_defaults_of_the_code(stage):
    written = yaml.safe_load((CONF / f"base/parameters_{stage}.yml").read_text())[stage]
    assert written == STAGES[stage]().model_dump(mode="json")


@pytest.mark.parametrize("environment", ["paper", "smoke"])
def test_other_environments_hold_only_known_fields(environment):
    written = yaml.safe_load((CONF / environment / "parameters.yml").read_text())
    assert set(written) <= set(STAGES)
    for stage, values in written.items():
        STAGES[stage].model_validate(values)


def test_conf_paper_is_table_2():
    paper = yaml.safe_load((CONF / "paper/parameters.yml").read_text())
    cvae, detector = (paper["pretraining"][name] for name in ("cvae", "detector"))
    synthesis, detection = (STAGES[name].model_validate(paper[name]) for name in ("synthesis", "detection"))
    table_2 = {
        "learning rates": (0.003, 0.001, 0.0001),
        "epochs of detector and generator": (600, 500),
        "steps per episode, episodes, minibatch": (500, 200, 256),
        "gamma, bandwidth, KL weight, KDE samples": (0.95, 0.5, 0.55, 300),
        "depth, experts, top k, threshold": (2, 20, 2, 0.2),
    }
    ours = {
        "learning rates": (
            cvae["training"]["learning_rate"],
            detector["training"]["learning_rate"],
            synthesis.policy.learning_rate,
        ),
        "epochs of detector and generator": (detector["training"]["epochs"], cvae["training"]["epochs"]),
        "steps per episode, episodes, minibatch": (
            synthesis.steps_per_episode,
            synthesis.episodes,
            cvae["training"]["batch_size"],
        ),
        "gamma, bandwidth, KL weight, KDE samples": (
            synthesis.reward.discount,
            synthesis.reward.bandwidth,
            cvae["kl_weight"],
            synthesis.reward.kde_samples,
        ),
        "depth, experts, top k, threshold": (
            detection.experts.mamba.depth,
            detection.experts.n_experts,
            detection.gate.top_k,
            paper["evaluation"]["threshold"],
        ),
    }
    assert ours == table_2


@pytest.mark.parametrize(
    ("model", "values", "field"),
    [
        (RunConfig, {"train_size": 0.0}, "train_size"),
        (RunConfig, {"train_size": 1.0}, "train_size"),
        (RunConfig, {"seed": -1}, "seed"),
        (SynthesisConfig, {"episods": 3}, "episods"),
        (SynthesisConfig, {"keep": 300}, "steps_per_episode"),
        (DetectionConfig, {"gate": {"top_k": 21}}, "n_experts"),
        (TablesConfig, {"mine": {"path": ""}}, "mine.path"),
    ],
)
def test_errors_name_the_field(model, values, field):
    with pytest.raises(ValidationError, match=field):
        model.model_validate(values)


def test_configuration_cannot_be_changed():
    with pytest.raises(ValidationError):
        SwiftHydraConfig().preparation.clip = 1


@pytest.mark.parametrize(("n_rows", "max_steps", "steps"), [(1, None, 3), (100, None, 6), (101, None, 9), (101, 4, 4)])
def test_steps_are_epochs_of_whole_batches_up_to_the_bound(n_rows, max_steps, steps):
    assert TrainingConfig(epochs=3, batch_size=50, max_steps=max_steps).steps(n_rows) == steps
