"""Classifiers that grow, against the same ones of scikit-learn and XGBoost trained on all rows at once."""

import importlib.util

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier

from swift_hydra_kedro.baselines.mixann import linear_xgboost
from swift_hydra_kedro.baselines.mixann.classifiers import check_installed, growing_classifier, make_classifier
from swift_hydra_kedro.config import MixAnNConfig

NAMES = ["knn", "xgboost", "mlp"]


def table(seed, n=120):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    return x, (x[:, 0] + 0.5 * rng.normal(size=n) > 1).astype(int)


def growing(name, x, y, watched, seed=0, **settings):
    return growing_classifier(name, x, y, watched, MixAnNConfig(**settings), np.random.default_rng(seed))


def all_of(classifier, watched):
    return classifier.probability(np.arange(len(watched)))


def test_knn_grown_step_by_step_is_the_knn_of_all_rows():
    x, y = table(0)
    watched = np.vstack([table(1)[0], x])
    classifier = growing("knn", x, y, watched)
    rng = np.random.default_rng(2)
    for step in range(25):
        n = 1 + step % 5
        row, label = 1.5 * rng.normal(size=3), step % 2
        x, y = np.vstack([x, np.tile(row, (n, 1))]), np.concatenate([y, np.full(n, label)])
        classifier.update(x[-n:], y[-n:])
        expected = KNeighborsClassifier(10).fit(x, y).predict_proba(watched)[:, 1]
        np.testing.assert_allclose(all_of(classifier, watched), expected, atol=1e-12)


def test_knn_of_fewer_rows_than_ten_asks_them_all():
    x = table(0)[0]
    classifier = growing("knn", x[:4], np.array([0, 1, 0, 0]), x)
    np.testing.assert_allclose(all_of(classifier, x), 0.25)


@pytest.mark.parametrize("name", NAMES)
def test_real_rows_alone_give_the_plain_classifier(name):
    x, y = table(0)
    watched = table(1)[0]
    seed = int(np.random.default_rng(0).integers(2**31))
    expected = make_classifier(name, len(x), seed).fit(x, y).predict_proba(watched)[:, 1]
    np.testing.assert_array_equal(all_of(growing(name, x, y, watched), watched), expected)


@pytest.mark.parametrize("name", NAMES)
def test_reset_forgets_what_joined(name):
    x, y = table(0)
    classifier = growing(name, x, y, x)
    before = all_of(classifier, x)
    classifier.update(np.full((5, 3), -1.0), np.ones(5, dtype=int))
    assert not np.array_equal(all_of(classifier, x), before)
    classifier.reset()
    np.testing.assert_array_equal(all_of(classifier, x), before)


@pytest.mark.parametrize("name", NAMES)
def test_equal_seeds_grow_alike(name):
    x, y = table(0)
    answers = []
    for _ in range(2):
        classifier = growing(name, x, y, x, seed=4, update_rows=30)
        for _ in range(3):
            classifier.update(x[:2] + 1, np.array([1, 0]))
        answers.append(all_of(classifier, x))
    np.testing.assert_array_equal(*answers)


def test_xgboost_grown_by_many_rounds_is_a_logistic_regression_of_all_rows():
    x, y = table(0)
    new_x, new_y = np.full((30, 3), -0.5), np.ones(30, dtype=int)
    classifier = growing("xgboost", x, y, x, update_rounds=300)
    classifier.update(new_x, new_y)
    everything = np.vstack([x, new_x]), np.concatenate([y, new_y])
    expected = LogisticRegression(C=np.inf, tol=1e-8).fit(*everything).predict_proba(x)[:, 1]
    np.testing.assert_allclose(all_of(classifier, x), expected, atol=1e-3)


def test_the_mlp_learns_rows_that_join():
    x, y = table(0)
    probe = np.full((1, 3), -3.0)
    classifier = growing("mlp", x, y, probe)
    for _ in range(40):
        classifier.update(probe, np.ones(1, dtype=int))
    assert all_of(classifier, probe) > 0.5


def test_classifiers_are_those_of_the_paper():
    knn, xgboost, mlp = (make_classifier(name, 100, 7) for name in NAMES)
    assert knn.n_neighbors == 10
    assert (xgboost.booster, xgboost.random_state) == ("gblinear", 7)
    assert isinstance(mlp, MLPClassifier)
    assert (mlp.hidden_layer_sizes, mlp.activation, mlp.solver) == ((128, 64), "relu", "adam")


def test_a_missing_xgboost_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    check_installed(["knn", "mlp"])
    with pytest.raises(ImportError, match=r"pip install -e '\.\[benchmark\]'"):
        check_installed(NAMES)
    with pytest.raises(ImportError, match="xgboost-cpu is not installed"):
        make_classifier("xgboost", 100, 0)


def test_the_linear_booster_lowers_a_rate_that_diverges(monkeypatch, caplog):
    monkeypatch.setattr(linear_xgboost, "RATES", (30.0, 0.5))
    x, y = table(0)
    own = make_classifier("xgboost", len(x), 0).fit(x, y)
    assert "diverges at a rate of 30" in caplog.text
    assert own.get_params()["learning_rate"] == 0.5
    assert roc_auc_score(y, own.predict_proba(x)[:, 1]) > 0.9


def test_the_linear_booster_is_xgboosts_where_that_converges():
    from xgboost import XGBClassifier

    x, y = table(0)
    plain = XGBClassifier(booster="gblinear", updater="coord_descent", n_jobs=1, random_state=0).fit(x, y)
    own = make_classifier("xgboost", len(x), 0).fit(x, y)
    np.testing.assert_array_equal(own.predict_proba(x), plain.predict_proba(x))
