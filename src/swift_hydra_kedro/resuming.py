"""Whether what an earlier run left can be taken up: made with the same parameters, and after its inputs.

Kedro's `--only-missing-outputs` looks only at which files are there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

PREFIX = "params:"


class NodeRecord(TypedDict):
    """What a node ran with, and when it ended (seconds since the epoch)."""

    version: str
    parameters: dict[str, Any]
    ended: float


def parameter_names(nodes: Pipeline | Node) -> set[str]:
    """Parameters among the inputs, less their prefix."""
    names = nodes.inputs() if isinstance(nodes, Pipeline) else nodes.inputs
    return {name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)}


def check_resumable(
    pipeline: Pipeline,
    records: Mapping[str, NodeRecord],
    parameters: Mapping[str, Any],
    version: str,
    is_done: Callable[[Node], bool],
) -> None:
    """Refuse to build on results that a run with these parameters would not have made.

    Parameters
    ----------
    pipeline : what is to run
    records : of nodes that ran, by node name
    parameters : of this run, by parameter name, as plain values
    version : of this package
    is_done : whether all outputs of a node are there

    Raises
    ------
    ValueError
        Names the first node to run again, and why.
    """
    maker = {output: node for node in pipeline.nodes for output in node.outputs}
    for node in pipeline.nodes:  # in the order of the run
        record = records.get(node.name)
        if record is None or not is_done(node):
            continue
        reason = _difference(record, {name: parameters[name] for name in parameter_names(node)}, version)
        sources = {maker[name].name for name in node.inputs if name in maker}
        newer = [name for name in sorted(sources) if name in records and records[name]["ended"] > record["ended"]]
        if newer:
            reason = f"before {newer[0]!r} was run again"
        if reason:
            raise ValueError(
                f"cannot resume: the results of node {node.name!r} were made {reason}. Run from there with "
                f"--from-nodes={node.name} in place of --only-missing-outputs, or choose another seed"
            )


def _difference(record: NodeRecord, parameters: Mapping[str, Any], version: str) -> str:
    if record["version"] != version:
        return f"by version {record['version']}, and this is {version}"
    before, now = (_flat(values) for values in (record["parameters"], parameters))
    changed = [
        f"{name} = {before.get(name)!r} (now {now.get(name)!r})"
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
