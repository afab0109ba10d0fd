"""The model card says what the reports say."""

import re

import pytest

from swift_hydra_kedro.config import RunConfig
from swift_hydra_kedro.evaluation.card import render_card

TABLE = {"n_rows": 500, "n_features": 2, "n_anomalies": 30, "anomaly_share": 0.06, "missing_values": 3}
DECISION = {
    "rule": "recall",
    "n_rows": 180,
    "n_anomalies": 11,
    "threshold": 0.123456,
    "reached": True,
    "expected": {"alerts_per_1000": 50.0, "precision": 0.5, "recall": None},
}


def method(auc_roc):
    counts = {"precision": 0.75, "recall": 0.625, "f1": 0.68, "support": 18}
    return {"auc_roc": auc_roc, "auc_roc_unseen": None, "auc_pr": 0.5, "per_class": {"0": counts, "1": counts}}


METRICS = {
    "extra_trees": method(0.91),
    "swift_hydra_mome": method(0.95),
    "data": {"n_train": 200, "n_test": 300, "anomaly_share": 0.06, "duplicate_test_share": 0.1},
}


def card(**changes):
    given = {
        "name": "0.1.0+abc",
        "run": RunConfig(dataset="my_claims").model_dump(),
        "table": TABLE,
        "metrics": METRICS,
        "decision": DECISION,
        "columns": {"size | [mm]": "number", "colour": "category, 2 known"},
    }
    return render_card(**(given | changes))


def test_results_come_best_first_with_what_is_not_known_left_out():
    lines = [line for line in card().splitlines() if line.startswith(("| Swift", "| Extra"))]
    assert lines == [
        "| Swift Hydra (MoME) | 0.950 | - | 0.500 | 0.750 | 0.625 | 0.680 |",
        "| Extra Trees | 0.910 | - | 0.500 | 0.750 | 0.625 | 0.680 |",
    ]


def test_a_split_in_time_is_told():
    assert "| split | stratified, train share 0.4, seed 0 |" in card()
    data = METRICS["data"] | {"tested_from": "2024-05-31", "n_later_in_training": 0}
    assert "| split | in time, rows from 2024-05-31 on test, train share 0.4, seed 0 |" in card(
        metrics=METRICS | {"data": data}
    )
    text = card(metrics=METRICS | {"data": data | {"n_later_in_training": 7}})
    assert "rows from 2024-05-31 on test, but 7 that the model knew, train share" in text


def test_the_threshold_is_told_with_what_was_expected_and_what_came():
    text = card()
    assert "a probability of 0.1235 on, chosen by recall. On 180 training rows" in text
    assert (
        "50 alerts per 1,000 rows, a precision of 0.5 and a recall of ?; on the test rows a precision of 0.75" in text
    )
    assert "by recall: what was asked for could not be reached" in card(decision=DECISION | {"reached": False})
    untold = DECISION | {"reached": False, "n_anomalies": 0}
    assert "as configured: no training rows could tell where to cut by recall" in card(decision=untold)


@pytest.mark.parametrize(
    ("changes", "limit"),
    [
        ({}, "It has seen 12 anomalies"),
        ({}, "Some test rows also occur in training"),
        ({}, "of which about 6.00% are anomalies"),
        ({}, "holds scaled rows of training"),
    ],
)
def test_limits(changes, limit):
    assert limit in card(**changes)


def test_limits_that_do_not_hold_are_left_out():
    text = card(metrics=METRICS | {"data": METRICS["data"] | {"n_train": 2000, "duplicate_test_share": 0.0}})
    assert "It has seen" not in text
    assert "also occur in training;" not in text


def test_names_cannot_break_the_tables():
    text = card()
    assert r"| size \| \[mm\] | number |" in text
    assert "| colour | category, 2 known |" in text
    assert text.startswith("# Swift Hydra on my\\_claims\n")
    widths = [len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("| ")]
    assert set(widths) == {3, 8}


def test_wide_tables_are_cut():
    text = card(columns={f"f{i}": "number" for i in range(60)})
    assert "| f49 | number |" in text
    assert "f50" not in text
    assert "and 10 more." in text


def test_a_card_says_what_training_went_on_from():
    assert "went on from" not in card()
    run = RunConfig(dataset="my_claims", warm_start="models:/claims@champion").model_dump()
    assert "| training | went on from models:/claims@champion; rows that it" in card(run=run)
