"""Whether what an earlier run left can be taken up: made from the same inputs, and after them.

Kedro's `--only-missing-outputs` looks only at which files are there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

PREFIX = "params:"


class NodeRecord(TypedDict):
    """What a node ran with, and when its results were there (seconds since the epoch).

    `inputs` are the values of parameters, and where data sets lie. `ended` is None until all results are saved.
    """

    version: str
    inputs: dict[str, Any]
    ended: float | None


def parameter_names(pipeline: Pipeline) -> set[str]:
    """Parameters among the inputs, less their prefix; of a field of one, the whole."""
    return {name.removeprefix(PREFIX).partition(".")[0] for name in pipeline.inputs() if name.startswith(PREFIX)}


def check_resumable(
    pipeline: Pipeline,
    records: Mapping[str, NodeRecord],
    inputs: Mapping[str, Any],
    version: str,
    is_done: Callable[[Node], bool],
) -> None:
    """Refuse to build on results that a run with these inputs would not have made.

    Parameters
    ----------
    pipeline : what is to run
    records : of nodes whose results lie where this run looks for them, by node name
    inputs : of this run's nodes: parameters as plain values, and where data sets lie
    version : of this package
    is_done : whether all outputs of a node are there

    Raises
    ------
    ValueError
        Names the first node to run again, and why.
    """
    maker = {output: node.name for node in pipeline.nodes for output in node.outputs}
    done = {node.name for node in pipeline.nodes if is_done(node)}
    for node in pipeline.nodes:  # in the order of the run
        kept = node.name if node.name in done else _first_after(node, pipeline, done)
        if kept is None:
            continue
        record = records.get(node.name)
        reason = _difference(record, {name: inputs[name] for name in node.inputs}, version)
        sources = sorted({maker[name] for name in node.inputs if name in maker})
        newer = [name for name in sources if _ended(records.get(name)) > _ended(record)]
        if newer and not reason:
            reason = f"before {newer[0]!r} was run again"
        if reason:
            on_the_way = "" if kept == node.name else f", from which {kept!r} went on,"
            of_seed = f"{PREFIX}run" in pipeline.to_nodes(node.name).inputs()  # and so lie elsewhere for another one
            raise ValueError(
                f"cannot resume: the results of node {node.name!r}{on_the_way} were made {reason}. "
                f"Run from there with --from-nodes={node.name} in place of "
                f"--only-missing-outputs{', or choose another seed' if of_seed else ''}"
            )


def _first_after(node: Node, pipeline: Pipeline, done: set[str]) -> str | None:
    return next((other.name for other in pipeline.from_nodes(node.name).nodes if other.name in done), None)


def _ended(record: NodeRecord | None) -> float:
    return (record["ended"] if record else None) or 0.0


def _difference(record: NodeRecord | None, inputs: Mapping[str, Any], version: str) -> str:
    """How results were made, if not as this run would make them."""
    if record is None:
        return "by a run that left no record"
    if record["ended"] is None:
        return "in part, as the run was cut short while it saved them"
    if record["version"] != version:
        return f"by version {record['version']}, and this is {version}"
    before, now = (_flat(values) for values in (record["inputs"], inputs))
    changed = [
        f"{name.removeprefix(PREFIX)} = {before.get(name)!r} (now {now.get(name)!r})"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]
    return f"with {', '.join(changed[:5])}" if changed else ""


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested values by dotted name."""
    if not isinstance(value, Mapping):
        return {prefix: value}
    joined: dict[str, Any] = {}
    for name, inner in value.items():
        joined |= _flat(inner, f"{prefix}.{name}" if prefix else str(name))
    return joined
