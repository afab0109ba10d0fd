"""When results of an earlier run may be built on, by hand-made records."""

import pytest
from kedro.pipeline import node, pipeline

from swift_hydra_kedro.resuming import check_resumable

TRAINING = pipeline(
    [
        node(lambda p: p, inputs="params:model", outputs="weights", name="train"),
        node(lambda w, p: w, inputs=["weights", "params:run"], outputs="scores", name="score"),
    ]
)
PARAMETERS = {"model": {"width": 4, "gate": {"k": 2}}, "run": {"seed": 0}}


def records(**changes):
    """Both nodes ran with PARAMETERS, one after the other."""
    usual = {
        "train": {"version": "1", "parameters": {"model": PARAMETERS["model"]}, "ended": 1.0},
        "score": {"version": "1", "parameters": {"run": PARAMETERS["run"]}, "ended": 2.0},
    }
    return {name: record | changes.get(name, {}) for name, record in usual.items()}


def check(kept, parameters=PARAMETERS, version="1", is_done=lambda node: True):
    check_resumable(TRAINING, kept, parameters, version, is_done)


def test_equal_parameters_may_be_taken_up():
    check(records())


def test_another_parameter_is_named_with_both_values_and_where_to_start():
    with pytest.raises(ValueError, match=r"'train' were made with model.gate.k = 3 \(now 2\).*--from-nodes=train"):
        check(records(train={"parameters": {"model": {"width": 4, "gate": {"k": 3}}}}))


def test_parameters_of_a_node_that_runs_anyway_do_not_matter():
    check(records(train={"parameters": {}}), is_done=lambda node: node.name != "train")


def test_results_made_before_their_inputs_are_refused():
    with pytest.raises(ValueError, match="'score' were made before 'train' was run again"):
        check(records(train={"ended": 3.0}))


def test_results_of_another_version_are_refused():
    with pytest.raises(ValueError, match="by version 1, and this is 2"):
        check(records(), version="2")


def test_nodes_without_a_record_are_taken_as_they_are():
    check({})
