"""Tests between methods against scipy, the textbook, and searches through all groups."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, friedmanchisquare, wilcoxon

from swift_hydra_kedro.evaluation.comparison import ranks
from swift_hydra_kedro.evaluation.statistics import against, cliques, friedman, holm, pairwise


@pytest.fixture
def table(rng):
    """Five methods on twenty data sets: two pairs alike, one far below."""
    skill = {"a": 0.9, "b": 0.9, "c": 0.85, "d": 0.849, "e": 0.5}
    hard = rng.normal(0, 0.05, 20)
    return pd.DataFrame({name: mean + hard + rng.normal(0, 0.01, 20) for name, mean in skill.items()})


def test_holm_is_that_of_the_textbook():
    p = pd.Series({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert dict(holm(p).round(6)) == {"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06}
    assert holm(pd.Series({"a": 0.6, "b": 0.7})).max() == 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_rejects_what_its_step_down_procedure_rejects(values):
    p = pd.Series(values)
    rejected, alpha = set(), 0.05
    for step, (name, value) in enumerate(p.sort_values().items()):
        if value * (len(p) - step) > alpha:
            break
        rejected.add(name)
    adjusted = holm(p)
    assert set(adjusted[adjusted <= alpha].index) == rejected
    assert (adjusted.sort_index() >= p - 1e-15).all()
    assert (adjusted.sort_index() >= false_discovery_control(values) - 1e-12).all()  # it controls less


def test_against_is_scipys_test_with_holms_correction(table):
    found = against(table, "a")
    for name in "bcde":
        assert found.loc[name, "p"] == pytest.approx(wilcoxon((table[name] - table["a"]).round(6)).pvalue)
        signs = np.sign((table[name] - table["a"]).round(6))
        assert found.loc[name, ["better", "equal", "worse"]].tolist() == [sum(signs == s) for s in (1, 0, -1)]
    pd.testing.assert_series_equal(found["p_holm"].sort_index(), holm(found["p"]).sort_index(), check_names=False)
    assert found.loc["e", "p_holm"] < 1e-4 < found.loc["b", "p_holm"]


def test_a_few_large_losses_outweigh_more_small_gains():
    difference = np.r_[np.linspace(0.001, 0.016, 16), -np.linspace(0.1, 0.24, 14)]
    found = against(pd.DataFrame({"a": 0.5, "b": 0.5 + difference}), "a").loc["b"]
    assert found["better"] > found["worse"] and found["gain"] < 0
    assert found["p"] < 0.05
    assert found["gain"] == 16 * 17 / 2 - sum(range(17, 31))


def test_methods_that_never_differ_have_a_p_value_of_one(table):
    twins = table.assign(twin=table["a"])
    assert against(twins, "a").loc["twin", ["equal", "p"]].tolist() == [20, 1]


def test_all_pairs_are_corrected_together(table):
    p = pairwise(table)
    plain = {pair: wilcoxon((table[pair[0]] - table[pair[1]]).round(6)).pvalue for pair in combinations("abcde", 2)}
    expected = holm(pd.Series(plain))
    for (one, other), value in expected.items():
        assert p.loc[one, other] == p.loc[other, one] == pytest.approx(value)
    assert (np.diag(p) == 1).all()


def test_friedmans_test_is_scipys(table):
    assert friedman(table) == pytest.approx(friedmanchisquare(*table.to_numpy().T).pvalue)
    assert np.isnan(friedman(table[["a", "b"]]))
    assert np.isnan(friedman(table.head(1)))


def test_cliques_join_the_pairs_that_are_alike(table):
    groups = [set(group) for group in cliques(table, pairwise(table), 0.05)]
    assert groups == [{"a", "b"}, {"c", "d"}]


@given(st.integers(2, 7), st.integers(0, 10_000))
def test_cliques_are_the_longest_runs_without_a_difference(n, seed):
    rng = np.random.default_rng(seed)
    names = list("abcdefg"[:n])
    scores = pd.DataFrame(rng.random((9, n)), columns=names)
    p = pd.DataFrame(rng.random((n, n)) ** 2, names, names)
    p = ((p + p.T) / 2).mask(np.eye(n, dtype=bool), 1)
    order = ranks(scores).mean().sort_values(kind="stable").index
    runs = [tuple(order[i:j]) for i in range(n) for j in range(i + 2, n + 1)]
    alike = [run for run in runs if all(p.loc[a, b] >= 0.2 for a, b in combinations(run, 2))]
    longest = [run for run in alike if not any(set(run) < set(other) for other in alike)]
    assert [tuple(group) for group in cliques(scores, p, 0.2)] == longest
