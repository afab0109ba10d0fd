import re
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from swift_hydra_kedro.config import (
    BenchmarkConfig,
    DecisionConfig,
    DetectionConfig,
    EvaluationConfig,
    ExplanationConfig,
    MixAnNConfig,
    PreparationConfig,
    PretrainingConfig,
    RegistrationConfig,
    ReportConfig,
    RunConfig,
    ScoringConfig,
    SwiftHydraConfig,
    SynthesisConfig,
    TablesConfig,
    TrainingConfig,
)
from swift_hydra_kedro.hooks import ProjectConfigLoader

CONF = Path(__file__).parents[1] / "conf"
STAGES = {
    "preparation": PreparationConfig,
    "pretraining": PretrainingConfig,
    "synthesis": SynthesisConfig,
    "detection": DetectionConfig,
    "decision": DecisionConfig,
    "evaluation": EvaluationConfig,
    "registration": RegistrationConfig,
    "scoring": ScoringConfig,
    "explanation": ExplanationConfig,
    "benchmark": BenchmarkConfig,
    "mixann": MixAnNConfig,
    "report": ReportConfig,
}


@pytest.mark.parametrize("stage", STAGES)
def test_conf_base_spells_out_the_defaults_of_the_code(stage):
    written = yaml.safe_load((CONF / f"base/parameters_{stage}.yml").read_text())[stage]
    assert written == STAGES[stage]().model_dump(mode="json")


def described(model, path=()):
    """Descriptions of the fields that are no settings themselves, by their path."""
    for name, field in model.model_fields.items():
        options = (field.annotation, *get_args(field.annotation))
        inner = next((kind for kind in options if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        if inner:
            yield from described(inner, (*path, name))
        else:
            yield (*path, name), field.description


@pytest.mark.parametrize("stage", sorted(set(STAGES) - {"decision", "registration", "scoring", "benchmark"}))
def test_comments_of_conf_base_are_the_descriptions_of_the_code(stage):
    """Word for word, but for the other stages, whose comments list the choices as well."""
    descriptions, path, comment, compared = dict(described(STAGES[stage])), [], [], 0
    for line in (CONF / f"base/parameters_{stage}.yml").read_text().splitlines():
        text = line.strip()
        if text.startswith("#"):
            comment.append(text.lstrip("# "))
            continue
        if key := re.fullmatch(r"( *)(\w+):.*", line):
            path = [*path[: len(key[1]) // 2], key[2]]
            if comment and tuple(path[1:]) in descriptions:
                assert " ".join(comment) == descriptions[tuple(path[1:])]
                compared += 1
        comment = []
    assert compared


def merged(environment):
    """The parameters of an environment on top of those of conf/base, as a run sees them."""
    loader = ProjectConfigLoader(
        str(CONF), env=environment, base_env="base", default_run_env="base", merge_strategy={"parameters": "soft"}
    )
    return loader["parameters"]


@pytest.mark.parametrize("environment", ["paper", "smoke"])
def test_other_environments_name_only_stages(environment):
    assert set(yaml.safe_load((CONF / environment / "parameters.yml").read_text())) <= set(STAGES)


@pytest.mark.parametrize("environment", ["base", "paper", "smoke"])
@pytest.mark.parametrize("stage", [*STAGES, "run", "tables"])
def test_every_environment_is_valid_on_top_of_base(environment, stage):
    models = STAGES | {"run": RunConfig, "tables": TablesConfig}
    models[stage].model_validate(merged(environment)[stage])


def test_run_time_parameters_stand_in_for_those_of_globals():
    loader = ProjectConfigLoader(
        str(CONF), base_env="base", default_run_env="base", runtime_params={"dataset": "sine", "seed": 7}
    )
    assert loader["parameters"]["run"] == RunConfig(dataset="sine", seed=7).model_dump()


@pytest.mark.parametrize(
    ("field", "printed"),
    [
        ("pretraining.cvae.training.learning_rate", 0.003),
        ("pretraining.cvae.training.epochs", 500),
        ("pretraining.cvae.training.batch_size", 256),
        ("pretraining.cvae.kl_weight", 0.55),
        ("pretraining.detector.training.learning_rate", 0.001),
        ("pretraining.detector.training.epochs", 600),
        ("pretraining.detector.mamba.depth", 2),
        ("synthesis.episodes", 200),
        ("synthesis.steps_per_episode", 500),
        ("synthesis.policy.learning_rate", 0.0001),
        ("synthesis.reward.discount", 0.95),
        ("synthesis.reward.bandwidth", 0.5),
        ("synthesis.reward.kde_samples", 300),
        ("detection.experts.n_experts", 20),
        ("detection.experts.mamba.depth", 2),
        ("detection.gate.top_k", 2),
        ("decision.threshold", 0.2),
    ],
)
def test_conf_paper_is_table_2(field, printed):
    value = merged("paper")
    for name in field.split("."):
        value = value[name]
    assert value == printed


@pytest.mark.parametrize(
    ("model", "values", "field"),
    [
        (RunConfig, {"train_size": 0.0}, "train_size"),
        (RunConfig, {"train_size": 1.0}, "train_size"),
        (RunConfig, {"seed": -1}, "seed"),
        (SynthesisConfig, {"episods": 3}, "episods"),
        (SynthesisConfig, {"keep": 300}, "steps_per_episode"),
        (DetectionConfig, {"gate": {"top_k": 21}}, "n_experts"),
        (ScoringConfig, {"drift": {"moderate": 0.3}}, "moderate"),
        (
            PretrainingConfig,
            {"detector": {"mamba": {"block": "mlp", "tokens": "feature"}}},
            "would see the last feature",
        ),
        (TablesConfig, {"mine": {"path": ""}}, "mine.path"),
        (TablesConfig, {"mine": {"path": "x.csv", "id_columns": ["claim", "model"]}}, r"\['model'\] are names of"),
        (TablesConfig, {"mine": {"path": "x.csv", "time_column": "score"}}, r"\['score'\] are names of"),
        (ScoringConfig, {"key": ["row", "expert_2"]}, r"\['row', 'expert_2'\] are names of"),
        (ScoringConfig, {"scheduler": "tcp://host:8786"}, "engine is 'local'"),
        (BenchmarkConfig, {"preset": "table2"}, "preset"),
        (BenchmarkConfig, {"train_sizes": [0.4, 1.0]}, r"train_sizes\n.*\[1.0\]: each must lie between 0 and 1"),
        (BenchmarkConfig, {"seeds": [-1]}, r"seeds\n.*must be at least 0"),
        (BenchmarkConfig, {"memory_per_worker": "much"}, "memory_per_worker"),
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


@pytest.mark.parametrize(("n_rows", "max_steps", "steps"), [(1, None, 7), (101, None, 9), (1, 5, 5)])
def test_few_rows_get_the_least_number_of_steps_within_the_bound(n_rows, max_steps, steps):
    training = TrainingConfig(epochs=3, batch_size=50, min_steps=7, max_steps=max_steps)
    assert training.steps(n_rows) == steps


@pytest.mark.parametrize(("n_rows", "steps"), [(50, 3), (100, 6), (200, 8), (800, 16), (1800, 24)])
def test_the_bound_grows_with_the_square_root_of_the_rows(n_rows, steps):
    assert TrainingConfig(epochs=3, batch_size=50, max_steps=8, sqrt_rows=200).steps(n_rows) == steps


def test_a_run_measures_the_single_detector_once():
    with pytest.raises(ValidationError, match=r"every run measures 'swift_hydra_single'.*leave it out"):
        EvaluationConfig(baselines=("extra_trees", "swift_hydra_single"))
