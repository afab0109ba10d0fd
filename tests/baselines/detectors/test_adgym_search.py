import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.estimator_checks import parametrize_with_checks

from swift_hydra_kedro.baselines.detectors.adgym_design import GRID, Design
from swift_hydra_kedro.baselines.detectors.adgym_search import ADGymSearch, grid

QUICK = {"n_candidates": 3, "max_steps": 9, "device": "cpu", "random_state": 0}


@parametrize_with_checks([ADGymSearch(**QUICK | {"max_steps": 45})])
def test_keeps_scikit_learns_rules(estimator, check):
    check(estimator)


def table(n_anomalies=24):
    """Anomalies that differ a little, so that designs do, too."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(216, 4)), (np.arange(216) < n_anomalies).astype(int)
    x[y == 1, :2] += 1.5
    return x, y


@pytest.fixture(scope="module")
def search():
    return ADGymSearch(n_candidates=9, max_steps=45, device="cpu", random_state=0).fit(*table())


def test_designs_are_tried_for_few_steps_and_the_better_third_for_more(search):
    steps, scores = search.results_["n_resources"], search.results_["mean_test_score"]
    assert steps.tolist() == [5] * 9 + [15] * 3 + [45]
    designs = [tuple(str(p[choice]) for choice in GRID) for p in search.results_["params"]]
    first_best = {designs[number] for number in np.argsort(-scores[:9])[:3]}
    assert set(designs[9:12]) == first_best


def test_scores_of_the_tried_are_those_of_held_out_rows_and_the_best_is_chosen():
    """Each design trained again, by hand, on two thirds of the rows, and ranked by the last third."""
    x, y = table()
    search = ADGymSearch(n_candidates=9, max_steps=9, device="cpu", random_state=1).fit(x, y)
    seed = search.best_.random_state
    kept, held_out = next(StratifiedKFold(3, shuffle=True, random_state=seed).split(x, y))
    results = search.results_
    again = [Design(device="cpu", random_state=seed, **design).fit(x[kept], y[kept]) for design in results["params"]]
    scores = [average_precision_score(y[held_out], design.decision_function(x[held_out])) for design in again]
    np.testing.assert_allclose(results["mean_test_score"], scores)
    last = np.flatnonzero(results["n_resources"] == 9)
    best = results["params"][last[np.argmax(np.array(scores)[last])]]
    assert {choice: getattr(search.best_, choice) for choice in best} == best


def test_the_chosen_design_is_trained_on_all_rows(search):
    x, y = table()
    again = clone(search.best_).fit(x, y)
    difference = search.decision_function(x) - again.decision_function(x)
    np.testing.assert_allclose(difference, 0, atol=1e-6)


def test_designs_are_drawn_by_the_seed():
    first, same, other = (
        ADGymSearch(**QUICK | {"random_state": seed}).fit(*table()).results_["params"] for seed in (0, 0, 1)
    )
    assert first == same
    assert first != other


@pytest.mark.parametrize("n_anomalies", [2, 3])
def test_few_anomalies_are_in_both_parts(n_anomalies):
    search = ADGymSearch(**QUICK).fit(*table(n_anomalies))
    assert np.isfinite(search.results_["mean_test_score"]).all()
    assert len(search.results_["params"]) > 1


def test_a_single_anomaly_leaves_the_default_design():
    x, y = table(1)
    search = ADGymSearch(**QUICK).fit(x, y)
    assert search.results_ == {}
    expected = Design(max_steps=9, device="cpu", random_state=search.best_.random_state)
    assert search.best_.get_params() == expected.get_params()


def test_wide_tables_do_without_a_transformer():
    assert grid(50) == GRID
    assert grid(51) == GRID | {"architecture": ("mlp", "autoencoder", "resnet")}
