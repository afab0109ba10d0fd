"""Figure 3: what cells have kept, each over-sampler's in a panel of its own, and all on one plane."""

import json

import numpy as np
import pandas as pd
import pytest

from swift_hydra_kedro.evaluation.figures.generated import generated_anomalies
from swift_hydra_kedro.evaluation.figures.theme import ROLES

LABELS = {role: ROLES[role].label for role in ("normal", "test_anomalies", "real_anomalies", "generated")}


def panels(figure):
    """Points of each role, `(n, 2)`, in each panel."""
    found = {}
    for trace in figure.data:
        found.setdefault(trace.xaxis, {})[trace.name] = np.c_[trace.x, trace.y]
    return list(found.values())


@pytest.fixture
def at_40(kept_results):
    """One split of the data set."""
    return kept_results.query("dataset == '6_cardio' and train_size == 0.4 and seed == 0")


def test_each_over_sampler_has_a_panel_with_what_it_generated_and_the_same_real_rows(at_40):
    (figure,) = generated_anomalies(at_40)
    first, second = panels(figure)
    assert [first[label].shape for label in LABELS.values()] == [(50, 2), (15, 2), (12, 2), (30, 2)]
    for role in ("normal", "test_anomalies", "real_anomalies"):
        np.testing.assert_array_equal(first[LABELS[role]], second[LABELS[role]])
    assert figure.layout.xaxis2.matches == "x"
    assert figure.layout.yaxis2.matches == "y"
    assert sum(trace.showlegend for trace in figure.data) == len(LABELS)


def test_panels_say_how_much_is_beyond_and_the_least_comes_first(at_40):
    beyond = at_40.assign(generated_beyond=at_40["method"].map({"smote": 0.002, "swift_hydra": 0.25}))
    (figure,) = generated_anomalies(beyond)
    assert [note.text for note in figure.layout.annotations] == ["SMOTE: 0.2% beyond", "Swift Hydra: 25.0% beyond"]
    assert figure.layout.title.subtitle.text.startswith("6_cardio, 40% in training, seed 0; 8 scaled features")
    assert figure.layout.title.subtitle.text.endswith("Test anomalies: 10.0% beyond")


def test_one_that_generated_none_has_a_panel_that_says_so(at_40):
    none = at_40.assign(generated_beyond=at_40["generated_beyond"].where(at_40["method"] != "smote"))
    none["rows"] = [
        {"generated": []} if method == "smote" else kept
        for method, kept in zip(none["method"], none["rows"], strict=True)
    ]
    (figure,) = generated_anomalies(none)
    assert figure.layout.annotations[1].text == "SMOTE: none counted"
    assert len(panels(figure)[1][LABELS["generated"]]) == 0


def test_the_split_with_most_over_samplers_is_drawn_and_of_equals_the_largest(kept_results):
    (figure,) = generated_anomalies(kept_results)
    assert "40% in training" in figure.layout.title.subtitle.text
    fewer = kept_results[(kept_results["method"] != "smote") | (kept_results["train_size"] == 0.1)]
    assert "10% in training" in generated_anomalies(fewer)[0].layout.title.subtitle.text


def test_an_over_sampler_that_feeds_several_detectors_has_one_panel(at_40):
    fed = at_40[at_40["method"] == "smote"].assign(method="smote__extra_trees", detector="extra_trees")
    assert len(panels(generated_anomalies(pd.concat([at_40, fed]))[0])) == 2


def test_each_data_set_has_its_figure(at_40):
    figures = generated_anomalies(pd.concat([at_40, at_40.assign(dataset="digits")]))
    assert [figure.layout.title.subtitle.text.split(",")[0] for figure in figures] == ["6_cardio", "digits"]


def test_equal_cells_give_equal_figures(at_40):
    first, again = (generated_anomalies(at_40)[0].to_json() for _ in range(2))
    assert first == again
    json.dumps(json.loads(first), allow_nan=False)


@pytest.mark.parametrize("missing", ["swift_hydra_no_synthesis", "smote|swift_hydra", ".*"])
def test_without_real_or_generated_rows_it_says_what_measures_them(at_40, missing):
    cells = at_40.assign(rows=at_40["rows"].mask(at_40["method"].str.fullmatch(missing), None))
    (figure,) = generated_anomalies(cells)
    assert not figure.data
    assert "figure5" in figure.layout.annotations[0].text
