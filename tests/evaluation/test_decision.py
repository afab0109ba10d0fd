"""The threshold chosen, against a plain search over all cuts."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from swift_hydra_kedro.config import DecisionConfig
from swift_hydra_kedro.evaluation.decision import choose_threshold, trade_off
from swift_hydra_kedro.evaluation.figures import trade_off_curves

P = np.array([0.9, 0.8, 0.8, 0.5, 0.3, 0.1])
Y = np.array([1, 1, 0, 0, 1, 0])
W = np.array([1.0, 1.0, 2.0, 2.0, 1.0, 3.0])
MIDDLES = [0.95, 0.85, 0.65, 0.4, 0.2, 0.05]


def chosen(rule, p=P, y=Y, w=W, **fields):
    return choose_threshold(p, y, w, DecisionConfig(rule=rule, **fields))


def test_every_cut_between_probabilities_is_on_the_curve():
    curve = trade_off(P, Y, W)
    np.testing.assert_allclose(curve["threshold"], MIDDLES)
    np.testing.assert_allclose(curve["alerts_per_1000"], [0, 100, 400, 600, 700, 1000])
    np.testing.assert_allclose(curve["precision"], [1, 1, 1 / 2, 1 / 3, 3 / 7, 3 / 10])
    np.testing.assert_allclose(curve["recall"], [0, 1 / 3, 2 / 3, 2 / 3, 1, 1])
    np.testing.assert_allclose(curve["missed"], [3, 2, 1, 1, 0, 0])
    np.testing.assert_allclose(curve["false_alarms"], [0, 0, 2, 4, 4, 7])


@pytest.mark.parametrize(
    ("rule", "fields", "threshold"),
    [
        ("threshold", {"threshold": 0.37}, 0.37),
        ("budget", {"alerts_per_1000": 400}, 0.65),
        ("budget", {"alerts_per_1000": 399}, 0.85),
        ("budget", {"alerts_per_1000": 99}, 0.95),
        ("precision", {"precision": 0.5}, 0.65),
        ("precision", {"precision": 0.4}, 0.2),  # further down it is higher again
        ("precision", {"precision": 1.0}, 0.85),  # and not where there are no alerts
        ("recall", {"recall": 0.3}, 0.85),
        ("recall", {"recall": 0.5}, 0.65),
        ("recall", {"recall": 1.0}, 0.2),
        ("costs", {"cost_of_miss": 1, "cost_of_false_alarm": 1}, 0.85),
        ("costs", {"cost_of_miss": 10, "cost_of_false_alarm": 1}, 0.2),
        ("costs", {"cost_of_miss": 1, "cost_of_false_alarm": 100}, 0.85),
    ],
)
def test_rules(rule, fields, threshold):
    decision = chosen(rule, **fields)
    assert decision.threshold == pytest.approx(threshold)
    assert decision.reached


def test_what_is_expected_counts_the_rows_of_at_least_the_threshold():
    expected = {"alerts_per_1000": 400.0, "precision": 0.5, "recall": pytest.approx(2 / 3)}
    for threshold in (0.8, 0.65, 0.51):
        assert chosen("threshold", threshold=threshold).expected == expected
    assert chosen("threshold", threshold=0.81).expected["alerts_per_1000"] == 100


def test_a_precision_out_of_reach_gives_the_highest_and_says_so(caplog):
    decision = chosen("precision", p=1 - P, precision=0.99)
    assert not decision.reached
    assert decision.expected["precision"] == pytest.approx(3 / 10)
    assert "no threshold has a precision of 0.99, the highest is 0.3" in caplog.text


@pytest.mark.parametrize("rule", ["precision", "recall", "costs"])
def test_without_anomalies_the_given_threshold_stands_and_it_is_said(rule, caplog):
    normal = Y == 0
    decision = chosen(rule, P[normal], Y[normal], W[normal], threshold=0.4)
    assert (decision.threshold, decision.reached) == (0.4, False)
    assert decision.expected["recall"] is None
    assert f"no training rows can tell where to cut by {rule}: at 0.4" in caplog.text


def test_a_budget_needs_no_anomalies_but_rows(caplog):
    normal = Y == 0
    assert chosen("budget", P[normal], Y[normal], W[normal], alerts_per_1000=300).threshold == pytest.approx(0.65)
    nothing = np.empty(0)
    decision = chosen("budget", nothing, nothing, nothing)
    assert (decision.threshold, decision.reached) == (0.2, False)
    assert decision.expected == {"alerts_per_1000": None, "precision": None, "recall": None}


def test_without_alerts_there_is_no_precision():
    assert chosen("threshold", threshold=0.95).expected == {"alerts_per_1000": 0, "precision": None, "recall": 0}


@st.composite
def rows(draw):
    n = draw(st.integers(2, 25))
    p = draw(st.lists(st.sampled_from([0.05, 0.2, 0.3, 0.45, 0.6, 0.8, 0.99]), min_size=n, max_size=n))
    y = draw(st.lists(st.integers(0, 1), min_size=n - 1, max_size=n - 1))
    w = draw(st.lists(st.sampled_from([1.0, 2.0, 7.0]), min_size=n, max_size=n))
    return np.array(p), np.array([1, *y]), np.array(w)


@given(rows(), st.floats(0.01, 1), st.floats(0.01, 1), st.floats(1, 1000), st.floats(0.1, 100))
def test_no_other_cut_does_better(given_rows, precision, recall, budget, cost):
    p, y, w = given_rows
    cuts = [*np.unique(p), 1.0]

    def result(cut):
        flagged, hit = w[p >= cut].sum(), w[(p >= cut) & (y == 1)].sum()
        total, anomalies = w.sum(), w[y == 1].sum()
        return (
            flagged,
            hit / flagged if flagged else 0,
            hit / anomalies,
            cost * (anomalies - hit) + flagged - hit,
            total,
        )

    best = result(chosen("recall", p, y, w, recall=recall).threshold)
    assert best[2] >= recall
    assert best[0] == min(result(cut)[0] for cut in cuts if result(cut)[2] >= recall)
    best = result(chosen("budget", p, y, w, alerts_per_1000=budget).threshold)
    assert best[0] <= budget * best[4] / 1000 * (1 + 1e-9)
    assert best[0] == max(result(cut)[0] for cut in cuts if 1000 * (result(cut)[0] / result(cut)[4]) <= budget)
    best = result(chosen("costs", p, y, w, cost_of_miss=cost).threshold)
    assert best[3] == pytest.approx(min(result(cut)[3] for cut in cuts))
    decision = chosen("precision", p, y, w, precision=precision)
    enough = [cut for cut in cuts if result(cut)[1] >= precision]
    assert decision.reached == bool(enough)
    if enough:
        assert result(decision.threshold)[2] == max(result(cut)[2] for cut in enough)
    else:
        assert result(decision.threshold)[1] == max(result(cut)[1] for cut in cuts)


def test_the_figure_shows_both_shares_the_alerts_and_the_threshold():
    figure = trade_off_curves(trade_off(P, Y, W), 0.4, "costs")
    precision, recall, alerts = figure.data
    assert list(precision.x) == list(recall.x) == pytest.approx(MIDDLES)
    assert list(alerts.y) == pytest.approx([0, 100, 400, 600, 700, 1000])
    assert figure.layout.shapes[0].x0 == figure.layout.shapes[0].x1 == 0.4
    assert "chosen by costs" in figure.layout.title.subtitle.text


def test_the_figure_says_when_there_is_no_curve():
    nothing = np.empty(0)
    figure = trade_off_curves(trade_off(nothing, nothing, nothing), 0.2, "threshold")
    assert len(figure.data) == 0
    assert figure.layout.annotations[0].text.startswith("No curve")
