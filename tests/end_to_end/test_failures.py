"""Runs that cannot end well stop early, say why, and are marked."""

import sys

import mlflow
import numpy as np
import pandas as pd
import pytest
from kedro.validation.exceptions import ParameterValidationError


def broken_table():
    return pd.DataFrame({"a": np.arange(40.0), "y": [0, 1, 2, 3] * 10})


def test_a_run_that_fails_in_a_node_is_marked_failed_with_its_tags(workshop):
    parameters = workshop.write_table("four_classes", broken_table())
    with pytest.raises(ValueError, match="must hold exactly two values but has 4 in 40 rows"):
        workshop.run(**parameters)
    (tracked,) = workshop.tracked("tags.dataset = 'four_classes'")
    assert tracked.info.status == "FAILED"
    assert mlflow.active_run() is None


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"synthesis": {"episods": 3}}, ParameterValidationError, "(?s)SynthesisConfig.*episods"),
        ({"train_size": 1.5}, ParameterValidationError, "(?s)RunConfig.*train_size.*less than 1"),
        ({"trainsize": 0.1}, ValueError, "no parameter 'trainsize'; did you mean 'train_size'"),
        ({"scoring": {"treshold": 0.2}}, ParameterValidationError, "(?s)ScoringConfig.*treshold"),  # read by no node
        ({"model": "models:/claims@champion"}, ValueError, "model=... is for --pipeline=scoring and"),
        ({"run": {"seed": 3}}, ValueError, "write --params=seed=..., not run.seed"),
        ({"synthesis": {"reward": {"bandwidth": 0}}}, ParameterValidationError, "(?s)bandwidth.*greater than 0"),
        ({"seed": -1}, ParameterValidationError, "(?s)RunConfig.*seed"),
        ({"detection": {"gate": {"top_k": 5}}}, ParameterValidationError, r"top_k \(5\) exceeds n_experts \(4\)"),
        ({"tables": {"mine": {"file": "x.csv"}}}, ParameterValidationError, "(?s)TablesConfig.*mine.path"),
        ({"evaluation": {"baselines": ["extra_tree"]}}, ValueError, r"unknown baseline 'extra_tree'.*extra_trees"),
        ({"evaluation": {"baselines": ["smote__ecod"]}}, ImportError, r"pyod is not installed: .*\[benchmark\]"),
        ({"run": {"device": "cuda"}}, ValueError, "torch finds no CUDA device"),
        ({"detection": {"experts": {"mamba": {"backend": "mamba_ssm"}}}}, ValueError, r"pip install .*\[cuda\]"),
    ],
    ids=[
        "field",
        "train_size",
        "unknown",
        "field of another pipeline",
        "model",
        "folder",
        "bandwidth",
        "seed",
        "top_k",
        "table",
        "baseline",
        "library",
        "device",
        "backend",
    ],
)
def test_a_wrong_parameter_stops_the_run_before_any_node(workshop, monkeypatch, parameters, error, message):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setitem(sys.modules, "pyod", None)  # as if it were not installed
    with pytest.raises(error, match=message):
        workshop.run(**{"dataset": "sine", "seed": 9} | parameters)
    assert not (workshop.folder / "data/02_intermediate/sine").exists()


@pytest.mark.parametrize("parameters", [{"run": {"device": "cuda"}}, {"evaluation": {"baselines": ["nothing"]}}])
def test_a_run_that_stops_before_any_node_leaves_no_open_mlflow_run(workshop, monkeypatch, parameters):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ValueError, match=r"CUDA|unknown baseline"):
        workshop.run(dataset="sine", seed=10, **parameters)
    assert mlflow.active_run() is None
    assert workshop.tracked("attributes.status = 'RUNNING'") == []


def test_an_unknown_data_set_is_named_with_those_there_are(workshop):
    with pytest.raises(ValueError, match="no data set 'digit'; did you mean digits"):
        workshop.run(dataset="digit")
