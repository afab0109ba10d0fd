"""Write docs/configuration.md from the pydantic models: every parameter, its range, its default, what it means.

usage: python docs/configuration.py
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from swift_hydra_kedro import config

PAGE = Path(__file__).with_name("configuration.md")
STAGES: dict[str, tuple[str, type[BaseModel]]] = {
    "run": ("parameters_run.yml", config.RunConfig),
    "tables": ("parameters_ingestion.yml", config.TableConfig),
    "preparation": ("parameters_preparation.yml", config.PreparationConfig),
    "pretraining": ("parameters_pretraining.yml", config.PretrainingConfig),
    "synthesis": ("parameters_synthesis.yml", config.SynthesisConfig),
    "detection": ("parameters_detection.yml", config.DetectionConfig),
    "decision": ("parameters_decision.yml", config.DecisionConfig),
    "evaluation": ("parameters_evaluation.yml", config.EvaluationConfig),
    "registration": ("parameters_registration.yml", config.RegistrationConfig),
    "scoring": ("parameters_scoring.yml", config.ScoringConfig),
    "explanation": ("parameters_explanation.yml", config.ExplanationConfig),
    "benchmark": ("parameters_benchmark.yml", config.BenchmarkConfig),
    "mixann": ("parameters_mixann.yml", config.MixAnNConfig),
    "report": ("parameters_report.yml", config.ReportConfig),
}
HEAD = """# Configuration

Written by `make docs` from the models in `src/swift_hydra_kedro/config`; a test compares. Every parameter can be set in
its file in `conf/base`, in an environment such as `conf/smoke`, or for one run, `--params=detection.gate.top_k=3`; the
estimators take the same fields as dicts, `SwiftHydraClassifier(detection={"gate": {"top_k": 3}})`. A misspelt name or a
value out of range is refused before anything runs.
"""
BOUNDS = {Ge: ("ge", "at least"), Gt: ("gt", "above"), Le: ("le", "at most"), Lt: ("lt", "below")}


def page() -> str:
    """The whole page, in Markdown."""
    return HEAD + "".join(_section(name, *stage) for name, stage in STAGES.items())


def _section(name: str, file: str, model: type[BaseModel]) -> str:
    prefix = "tables.<name>" if name == "tables" else name
    lines = ["| parameter | type | default | meaning |", "|---|---|---|---|"]
    lines += [f"| `{path}` | {kind} | {default} | {text} |" for path, kind, default, text in _rows(prefix, model, None)]
    summary = " ".join((model.__doc__ or "").split("\n\n")[0].split())
    table = "\n".join(lines)
    return f"\n## {name}\n\n{summary} In `conf/base/{file}`.\n\n{table}\n"


def _rows(prefix: str, model: type[BaseModel], values: BaseModel | None) -> Iterator[tuple[str, str, str, str]]:
    """Path, type, default and meaning of every field, those of nested models after their parent."""
    for name, info in model.model_fields.items():
        path, inner = f"{prefix}.{name}", _model_in(info.annotation)
        default = getattr(values, name) if values is not None else info.get_default(call_default_factory=True)
        if inner is None or info.description:
            yield path, _kind(info), _value(default, info), _text(info)
        if inner is not None:
            yield from _rows(path, inner, default if isinstance(default, BaseModel) else None)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    options = get_args(annotation) if _is_union(annotation) else (annotation,)
    return next((option for option in options if isinstance(option, type) and issubclass(option, BaseModel)), None)


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def _kind(info: FieldInfo) -> str:
    bounds = [_bound(bound) for bound in info.metadata]
    return ", ".join([_name(info.annotation), *filter(None, bounds)])


def _name(annotation: Any) -> str:
    if _is_union(annotation):
        return " or ".join(_name(option) for option in get_args(annotation))
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(annotation))
    if get_origin(annotation) is tuple:
        return f"list of {_name(get_args(annotation)[0])}"
    if annotation is type(None):
        return "null"
    names = {int: "whole number", float: "number", str: "text", bool: "true or false"}
    return names.get(annotation, "settings")


def _bound(bound: Any) -> str:
    if isinstance(bound, MinLen):
        return "not empty"
    attribute, words = BOUNDS.get(type(bound), ("", ""))
    return f"{words} {getattr(bound, attribute)}" if words else ""


def _value(default: Any, info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    if isinstance(default, BaseModel):
        return "see below"
    words = {None: "null", True: "true", False: "false"}
    if default is None or isinstance(default, bool):
        return f"`{words[default]}`"
    shown = f"[{', '.join(map(str, default))}]" if isinstance(default, tuple) else default
    return f"`{shown}`"


def _text(info: FieldInfo) -> str:
    return (info.description or "").replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
