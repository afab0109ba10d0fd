"""What the README and the docs show works: their Python runs, their commands and settings exist."""

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
import yaml
from omegaconf import OmegaConf

from swift_hydra_kedro import config, estimator
from swift_hydra_kedro.baselines.registry import check_names
from swift_hydra_kedro.data.tabular import read_table
from swift_hydra_kedro.pipeline_registry import register_pipelines

from .budgets import SMOKE

PROJECT = Path(__file__).parents[1]
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]


def blocks(language):
    """The pages' code blocks of a language, each named by its page and line."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in re.finditer(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
            line = text.count("\n", 0, match.start()) + 1
            found.append(pytest.param(match[1], id=f"{page.name}:{line}"))
    return found


def commands(program):
    """The pages' command lines that start a program, less their comments."""
    text = "".join(block.values[0] for block in blocks("sh")).replace("\\\n", " ")
    lines = text.splitlines()
    return [line for line in lines if shlex.split(line, comments=True)[:1] == [program]]


@pytest.fixture
def small_budget(monkeypatch):
    """The estimators with the smoke budget where a block names none of its own."""

    def shrink(cls, *stages):
        budget = {stage: SMOKE[stage] for stage in stages}
        monkeypatch.setattr(estimator, cls.__name__, lambda **given: cls(**(budget | given)))

    shrink(estimator.SwiftHydraClassifier, "pretraining", "synthesis", "detection")
    shrink(estimator.SwiftHydraSampler, "pretraining", "synthesis")


@pytest.mark.usefixtures("small_budget")
@pytest.mark.parametrize("code", blocks("python"))
def test_python_blocks_run(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").symlink_to(PROJECT / "docs")  # as seen from a clone
    exec(compile(code, "README", "exec"), {"__name__": "readme"})


def test_the_readme_shows_both_estimators():
    shown = "".join(block.values[0] for block in blocks("python"))
    assert "SwiftHydraClassifier(" in shown
    assert "SwiftHydraSampler(" in shown


@pytest.mark.parametrize("line", commands("kedro"))
def test_options_of_kedro_run_exist(line):
    words = shlex.split(line, comments=True)
    options = dict(word.removeprefix("--").split("=", 1) for word in words if word.startswith("--") and "=" in word)
    pipelines = register_pipelines()
    names = options.get("pipelines", options.get("pipeline", "__default__")).split(",")
    nodes = {node.name for name in names for node in pipelines[name].nodes}
    assert set(options) <= {"pipeline", "pipelines", "env", "from-nodes", "params", "config", "runner"}
    assert (PROJECT / "conf" / options.get("env", "base")).is_dir()
    assert set(filter(None, options.get("from-nodes", "").split(","))) <= nodes


@pytest.mark.parametrize("line", [line for line in commands("kedro") if "--params" in line])
def test_parameters_of_kedro_run_exist(line):
    (text,) = re.findall(r"--params=(\S+)", line)
    given = OmegaConf.to_container(OmegaConf.from_dotlist(text.split(",")))
    for name, value in given.items():
        if isinstance(value, dict):
            getattr(config, f"{name.title()}Config").with_overrides(value)
        else:
            assert name in {*config.RunConfig.model_fields, "input", "output"}


@pytest.mark.parametrize("line", commands("make"))
def test_targets_of_make_exist(line):
    target = shlex.split(line, comments=True)[1]
    assert re.search(rf"^{target}:", (PROJECT / "Makefile").read_text(), re.MULTILINE)


def settings(key):
    """What the pages' YAML blocks hold under a key, where they have it."""
    parsed = [pytest.param(yaml.safe_load(block.values[0]), id=block.id) for block in blocks("yaml")]
    return [pytest.param(block.values[0][key], id=block.id) for block in parsed if key in block.values[0]]


@pytest.mark.parametrize("run", settings("run"))
def test_a_file_of_options_names_a_pipeline_and_baselines_that_exist(run):
    assert run["pipeline"] in register_pipelines()
    check_names(config.EvaluationConfig(**run["params"]["evaluation"]).baselines)


@pytest.mark.parametrize("tables", settings("tables"))
def test_settings_of_an_own_table_read_the_table_they_describe(tables, tmp_path):
    for table in config.TablesConfig.model_validate(tables).root.values():
        path = tmp_path / table.path
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = dict.fromkeys([*table.row_columns, *table.categorical_columns, "amount"], range(4))
        pd.DataFrame(columns | {table.label: ["no", "no", "yes", "no"]}).to_csv(path, index=False)
        assert read_table(table, tmp_path).label.tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target and not target.startswith("mailto:")]
    missing = [target for target in local if not (page.parent / target).exists()]
    assert missing == []
