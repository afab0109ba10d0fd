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
MODEL, RUN = {"width": 4, "gate": {"k": 2}}, {"seed": 0}
INPUTS = {"params:model": MODEL, "params:run": RUN, "weights": "weights.bin"}
OLDER = {"params:model": {"width": 4, "gate": {"k": 3}}}


def records(**changes):
    """Both nodes ran with INPUTS, one after the other."""
    usual = {
        "train": {"version": "1", "inputs": {"params:model": MODEL}, "ended": 1.0},
        "score": {"version": "1", "inputs": {"params:run": RUN, "weights": "weights.bin"}, "ended": 2.0},
    }
    return {name: record | changes.get(name, {}) for name, record in usual.items()}


def check(kept, inputs=INPUTS, version="1", is_done=lambda node: True):
    check_resumable(TRAINING, kept, inputs, version, is_done)


def only(name):
    """That node's results are there, and no other's."""
    return lambda node: node.name == name


def test_equal_inputs_may_be_taken_up():
    check(records())


def test_another_parameter_is_named_with_both_values_and_where_to_start():
    with pytest.raises(ValueError, match=r"'train' were made with model.gate.k = 3 \(now 2\).*--from-nodes=train"):
        check(records(train={"inputs": OLDER}))


def test_another_seed_is_proposed_where_results_are_of_a_seed():
    for node_name, proposed in (("train", False), ("score", True)):
        with pytest.raises(ValueError, match=f"'{node_name}'") as refusal:
            check(records(**{node_name: {"version": "0"}}))
        assert ("another seed" in str(refusal.value)) == proposed


def test_inputs_that_lay_elsewhere_are_named():
    with pytest.raises(ValueError, match=r"'score' were made with weights = 'weights.bin' \(now 'others.bin'\)"):
        check(records(), INPUTS | {"weights": "others.bin"})


def test_what_a_node_ran_with_does_not_matter_if_nothing_went_on_from_it():
    check(records(train={"inputs": OLDER}), is_done=lambda node: False)


def test_results_are_refused_that_went_on_from_a_node_which_ran_otherwise_and_runs_again():
    with pytest.raises(ValueError, match=r"'train', from which 'score' went on, were made with model.gate.k = 3"):
        check(records(train={"inputs": OLDER}), is_done=only("score"))
    check(records(), is_done=only("score"))


def test_results_made_before_their_inputs_are_refused():
    with pytest.raises(ValueError, match="'score' were made before 'train' was run again"):
        check(records(train={"ended": 3.0}))


def test_results_of_another_version_are_refused():
    with pytest.raises(ValueError, match="by version 1, and this is 2"):
        check(records(), version="2")


def test_results_that_were_being_saved_when_the_run_ended_are_refused():
    with pytest.raises(ValueError, match=r"'train' were made in part.*--from-nodes=train"):
        check(records(train={"ended": None}))


def test_results_without_a_record_are_refused_if_they_are_to_be_kept():
    with pytest.raises(ValueError, match="'train' were made by a run that left no record"):
        check({})
    check({}, is_done=lambda node: False)
