"""Pages of the docs that are written by commands are up to date, and messages are quoted as they are."""

import ast
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from swift_hydra_kedro.baselines import detectors, registry
from swift_hydra_kedro.baselines.detectors import registry as detector_registry
from swift_hydra_kedro.config import Config, DetectionConfig, RunConfig, SwiftHydraConfig

DOCS = Path(__file__).parents[1] / "docs"
OF_OTHERS = {  # pydantic's, the server's
    "Extra inputs are not permitted",
    "Failed to get pandas types",
    "Internal Server Error",
    "Request processing time exceeded limit",
}


@pytest.fixture(scope="module")
def generator():
    return runpy.run_path(str(DOCS / "configuration.py"))


def test_the_configuration_page_is_what_its_command_writes(generator):
    assert (DOCS / "configuration.md").read_text(encoding="utf-8") == generator["page"](), "make docs writes it anew"


def test_the_page_of_baselines_is_what_its_command_writes():
    written = runpy.run_path(str(DOCS / "baselines.py"))["page"]()
    assert (DOCS / "baselines.md").read_text(encoding="utf-8") == written, "make docs writes it anew"


def test_the_method_that_the_page_of_baselines_adds_is_a_method(tmp_path, monkeypatch):
    """Its file and its entry are put where the page says, and it is fitted through the registry."""
    text = (DOCS / "baselines.md").read_text(encoding="utf-8")
    file, entry = (re.search(rf"^```{mark}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)[1] for mark in ("python", "py"))
    (tmp_path / "mahalanobis.py").write_text(file)
    monkeypatch.setattr(detectors, "__path__", [*detectors.__path__, str(tmp_path)])
    ((name, detector),) = eval(f"{{{entry}}}", vars(detector_registry)).items()
    monkeypatch.setitem(registry.DETECTORS, name, detector)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200, 3)), np.arange(200) % 10 == 0
    x[y] += 4 * np.sign(rng.normal(size=(20, 3)))
    method = registry.get_method(name).fit(x, y.astype(int), RunConfig(), SwiftHydraConfig())
    centred = x - x.mean(axis=0)
    distance = (centred @ np.linalg.inv(np.cov(x.T)) * centred).sum(axis=1)
    np.testing.assert_allclose(method.score(x), distance)
    assert f"detectors/{name}.py" in text


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


def quoted_messages():
    """Messages in the first column of the page on troubles, apart from settings and commands."""
    lines = (DOCS / "troubleshooting.md").read_text(encoding="utf-8").splitlines()
    found = [re.match(r"\| `([^`]+)`", line) for line in lines]
    return [match[1] for match in found if match and match[1] not in OF_OTHERS]


def texts_of(file):
    """All texts in a Python file, with what is filled in left out."""
    for part in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(part, ast.JoinedStr):
            yield "".join(str(piece.value) if isinstance(piece, ast.Constant) else "{}" for piece in part.values)
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


@pytest.mark.parametrize("message", quoted_messages())
def test_quoted_messages_are_those_of_the_code(message):
    fixed = [piece.strip() for piece in re.split(r"\.\.\.|'\w'|\b[NM3]\b", message)]
    texts = [text for file in DOCS.parent.glob("src/**/*.py") for text in texts_of(file)]
    for piece in filter(None, fixed):
        assert any(piece in text for text in texts), piece


def test_most_troubles_are_messages_of_the_code():
    assert len(quoted_messages()) > 8
