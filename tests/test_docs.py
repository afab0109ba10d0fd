"""Pages of the docs that are written by commands are up to date."""

import runpy
from pathlib import Path

import pytest

from swift_hydra_kedro.config import Config, DetectionConfig

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def generator():
    return runpy.run_path(str(DOCS / "configuration.py"))


def test_the_configuration_page_is_what_its_command_writes(generator):
    assert (DOCS / "configuration.md").read_text(encoding="utf-8") == generator["page"](), "make docs writes it anew"


def test_every_stage_with_parameters_is_on_the_page(generator):
    stages = {path.stem.removeprefix("parameters_") for path in (DOCS.parent / "conf/base").glob("parameters_*.yml")}
    assert stages - {"ingestion"} | {"tables"} == set(generator["STAGES"])


def test_every_field_has_a_line_at_any_depth(generator):
    def leaves(model, prefix):
        for name in type(model).model_fields:
            value = getattr(model, name)
            yield from leaves(value, f"{prefix}.{name}") if isinstance(value, Config) else [f"{prefix}.{name}"]

    paths = {path for path, *_ in generator["_rows"]("detection", DetectionConfig, None)}
    assert set(leaves(DetectionConfig(), "detection")) <= paths
    assert "detection.gate.joint_training.max_steps" in paths


def test_every_line_has_a_meaning(generator):
    for name, (_, model) in generator["STAGES"].items():
        for path, kind, default, meaning in generator["_rows"](name, model, None):
            assert kind and default and meaning, path
