import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from swift_hydra_kedro.baselines.detectors import adgym_design
from swift_hydra_kedro.baselines.detectors.adgym_design import GRID, Design
from swift_hydra_kedro.models.batches import batches, mixup

QUICK = {"max_steps": 5, "device": "cpu", "random_state": 0}
CHOICES = [(choice, value) for choice, values in GRID.items() for value in values]


@parametrize_with_checks([Design(**QUICK | {"max_steps": 40, "learning_rate": 1e-2})])
def test_keeps_scikit_learns_rules(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(120, 4)), (np.arange(120) % 8 == 0).astype(int)
    x[y == 1] += 5
    return x, y


@pytest.fixture(scope="module")
def hostile():
    """A constant column, repeated rows, one row far out, one anomaly."""
    x = np.random.default_rng(0).normal(size=(80, 4))
    x[:, 1] = 7
    x[40:60] = x[40]
    x[0], x[1] = 1e5, 3
    return x, (np.arange(80) == 1).astype(int)


def test_the_grid_has_the_papers_dimensions():
    assert {choice: len(values) for choice, values in GRID.items()} == {
        "augmentation": 4,
        "preprocessing": 3,
        "architecture": 4,
        "hidden": 3,
        "activation": 3,
        "dropout": 3,
        "initialisation": 5,
        "loss": 7,
        "optimiser": 3,
        "resampling": 2,
        "epochs": 3,
        "batch_size": 3,
        "learning_rate": 2,
        "weight_decay": 2,
    }


def test_the_default_design_is_one_of_the_grid():
    parameters = Design().get_params()
    assert [choice for choice in GRID if parameters[choice] not in GRID[choice]] == []


@pytest.mark.parametrize(("choice", "value"), CHOICES)
def test_every_choice_ranks_an_easy_table(table, choice, value):
    x, y = table
    design = Design(device="cpu", random_state=0, max_steps=100, optimiser="adam", learning_rate=1e-2)
    assert roc_auc_score(y, design.set_params(**{choice: value}).fit(x, y).decision_function(x)) > 0.9


@pytest.mark.parametrize(("choice", "value"), CHOICES)
def test_every_choice_survives_a_hostile_table(hostile, choice, value):
    x, y = hostile
    design = Design(**QUICK | {"max_steps": 50}).set_params(**{choice: value}).fit(x, y)
    assert np.isfinite(design.decision_function(np.vstack([x, x + 1e5, x - 1e5]))).all()


@pytest.mark.parametrize("choice", [choice for choice, values in GRID.items() if isinstance(values[0], str)])
def test_an_unknown_choice_is_refused(table, choice):
    with pytest.raises(ValueError, match=f"{choice} must be one of .*; it is 'another'"):
        Design(**QUICK).set_params(**{choice: "another"}).fit(*table)


def test_features_go_to_the_range_of_the_training_rows(table):
    x, y = table
    plain, scaled = (Design(preprocessing=name, **QUICK) for name in ("none", "min_max"))
    by_hand = (x - x.min(0)) / (x.max(0) - x.min(0))
    np.testing.assert_allclose(
        scaled.fit(x, y).decision_function(x), plain.fit(by_hand, y).decision_function(by_hand), rtol=1e-3, atol=1e-5
    )


def test_rows_go_to_length_one(table):
    x, y = table
    scores = Design(preprocessing="normalise", **QUICK).fit(x, y)
    np.testing.assert_allclose(scores.decision_function(x), scores.decision_function(3 * x), rtol=1e-4, atol=1e-6)


def test_batches_are_as_many_and_of_the_classes_that_the_design_asks_for(table, monkeypatch):
    asked, mixed = [], []

    def noted(y, n_steps, size, balanced, generator):
        asked.append((n_steps, size, balanced))
        return batches(y, 1, size, balanced, generator)

    def noted_mixup(x, y, weight, beta, generator):
        mixed.append(beta)
        return mixup(x, y, weight, beta, generator)

    monkeypatch.setattr(adgym_design, "batches", noted)
    monkeypatch.setattr(adgym_design, "mixup", noted_mixup)
    settings = {"device": "cpu", "random_state": 0, "batch_size": 32}
    Design(epochs=20, resampling=True, augmentation="none", **settings).fit(*table)  # 120 rows: four batches each
    Design(epochs=50, resampling=False, augmentation="mixup", max_steps=90, **settings).fit(*table)
    assert asked == [(80, 32, True), (90, 32, False)]
    assert mixed[0] == 0 < mixed[1]


@pytest.mark.parametrize(("augmentation", "n_rows"), [("none", 120), ("oversampling", 210), ("smote", 210)])
def test_over_sampling_makes_the_classes_equal(table, augmentation, n_rows, monkeypatch):
    seen = []
    monkeypatch.setattr(adgym_design, "batches", lambda y, *settings: seen.append(y) or [])
    Design(augmentation=augmentation, device="cpu", random_state=0).fit(*table)
    assert len(seen[0]) == n_rows
    assert n_rows == 120 or seen[0].mean() == 0.5
