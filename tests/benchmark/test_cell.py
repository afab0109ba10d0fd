"""A cell's record."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import roc_auc_score

from swift_hydra_kedro import __version__
from swift_hydra_kedro.baselines.registry import DETECTORS, OVERSAMPLERS, get_method
from swift_hydra_kedro.benchmark.cell import Budget, run_cell
from swift_hydra_kedro.benchmark.kept import GENERATED
from swift_hydra_kedro.benchmark.store import SCHEMA
from swift_hydra_kedro.config import PreparationConfig, RunConfig, SwiftHydraConfig
from swift_hydra_kedro.data.embedded import breast_cancer, sine
from swift_hydra_kedro.data.preprocessing import NO_CLIP, TablePreprocessor
from swift_hydra_kedro.data.splitting import split
from swift_hydra_kedro.evaluation.beyond import share_beyond

from .conftest import cell


@pytest.fixture(scope="module")
def record(budget):
    return run_cell(breast_cancer(), cell("extra_trees", "breast_cancer", seed=2), budget)


def test_a_record_is_a_row_of_the_results(record):
    assert set(record) | {"rejected_share", "generated_beyond", "test_beyond", "rows"} == set(SCHEMA.names)
    assert record["error"] is None
    assert (record["version"], record["method"]) == (__version__, "extra_trees")


def test_the_method_is_measured_as_a_plain_script_would(record):
    train, test = split(breast_cancer(), 0.4, 2)
    forest = ExtraTreesClassifier(300, random_state=2).fit(train.features, train.label)
    score = forest.predict_proba(test.features)[:, 1]
    assert record["auc_roc"] == pytest.approx(roc_auc_score(test.label, score), abs=0.02)
    assert (record["n_train"], record["n_fitted"], record["n_features"]) == (158, 158, 10)
    assert (record["support_0"], record["support_1"]) == (215, 24)


def test_equal_cells_have_equal_results(record, budget):
    again = run_cell(breast_cancer(), cell("extra_trees", "breast_cancer", seed=2), budget)
    changing = {"fit_seconds", "predict_seconds", "peak_memory", "finished"}
    assert {name: again[name] for name in again if name not in changing} == {
        name: record[name] for name in record if name not in changing
    }


def test_probabilities_get_the_common_threshold_and_others_the_matched_one(budget):
    method = cell("swift_hydra_no_synthesis", train_size=0.1)
    config = SwiftHydraConfig.with_overrides(
        {
            "detection": {
                "experts": {"n_experts": 2, "committee_size": None, "training": {"max_steps": 5}},
                "gate": {"training": {"max_steps": 2}, "joint_training": None},
            }
        }
    )
    assert run_cell(sine(), method, Budget(config, 0.3))["threshold"] == 0.3
    assert run_cell(sine(), cell(), budget)["threshold"] != 0.2


def test_a_failure_is_recorded_with_its_first_line(budget):
    record = run_cell(sine(), cell(train_size=0.0001), budget)
    assert record["error"].startswith("ValueError: 50 anomalies and 950 normal rows cannot be split with train_size")
    assert record.keys() < set(SCHEMA.names)
    assert record["finished"].tzinfo is not None


def test_a_limit_on_rows_is_told(budget, monkeypatch):
    monkeypatch.setitem(DETECTORS, "knn_classifier", replace(DETECTORS["knn_classifier"], max_rows=100))
    record = run_cell(sine(), cell("knn_classifier"), budget)
    assert (record["n_train"], record["n_fitted"]) == (400, 100)


def test_the_configuration_that_counts_is_the_one_that_the_method_uses(budget):
    other = Budget(budget.config.updated({"synthesis": {"episodes": 3}}), budget.threshold)

    def is_other(name):
        return budget.hash_for(get_method(name)) != other.hash_for(get_method(name))

    assert is_other("swift_hydra") and is_other("swift_hydra_single") and is_other("swift_hydra_sampler__extra_trees")
    assert not (is_other("swift_hydra_no_synthesis") or is_other("extra_trees") or is_other("smote"))
    assert Budget(budget.config, 0.5).hash_for(get_method("smote")) != budget.hash_for(get_method("smote"))
    assert Budget(budget.config, 0.5).hash_for(get_method("ecod")) == budget.hash_for(get_method("ecod"))


@pytest.fixture(scope="module")
def keeping(budget):
    """A budget of seconds whose cells keep rows of one data set."""
    experts = {"n_experts": 2, "committee_size": None, "training": {"max_steps": 5}}
    gate = {"training": {"max_steps": 2}, "joint_training": None}
    config = SwiftHydraConfig.with_overrides({"detection": {"experts": experts, "gate": gate}})
    return Budget(config, 0.2, "cpu", ("breast_cancer",))


def kept(keeping, *given, **more):
    """Rows of a cell's record by role, and the record."""
    record = run_cell(breast_cancer(), cell(*given, dataset="breast_cancer", **more), keeping)
    assert record["error"] is None
    return {role: np.array(rows) for role, rows in (record.get("rows") or {}).items()}, record


def prepared():
    """The parts that those cells are measured on, and what scales them."""
    train, test = split(breast_cancer(), 0.4, 0)
    return train, test, TablePreprocessor.fit(train.features, PreparationConfig(clip=NO_CLIP))


def test_the_plain_mixture_keeps_real_rows_as_methods_get_them(keeping):
    rows, record = kept(keeping, "swift_hydra_no_synthesis")
    train, test, preprocessor = prepared()
    expected = {
        "normal": preprocessor.transform(train.features[train.label == 0]),
        "real_anomalies": preprocessor.transform(train.features[train.label == 1]),
        "test_anomalies": preprocessor.transform(test.features[test.label == 1]),
    }
    assert rows.keys() == expected.keys()
    for role, own in expected.items():
        np.testing.assert_array_equal(rows[role], own)
    assert "generated_beyond" not in record


def test_a_cell_with_an_over_sampler_keeps_rows_that_it_made_and_says_how_many_of_all_are_beyond(keeping):
    rows, record = kept(keeping, "extra_trees", oversampler="random_averaging")
    train, test, preprocessor = prepared()
    x, y = preprocessor.transform(train.features), train.label.to_numpy()
    made, _ = OVERSAMPLERS["random_averaging"].build(RunConfig(seed=0), keeping.config).fit_resample(x, y)
    generated = made[len(x) :]
    assert {tuple(row) for row in rows["generated"]} <= {tuple(row) for row in generated}
    assert len(rows["generated"]) == min(len(generated), GENERATED["generated"])
    assert rows.keys() == GENERATED.keys()
    assert record["generated_beyond"] == share_beyond(generated, x[y == 1])
    assert record["test_beyond"] == share_beyond(preprocessor.transform(test.features[test.label == 1]), x[y == 1])


def test_other_methods_and_data_sets_keep_none(keeping):
    assert kept(keeping, "extra_trees")[0] == {}
    record = run_cell(sine(), cell("extra_trees", oversampler="smote"), keeping)
    assert record["generated_beyond"] is not None
    assert "rows" not in record


def test_scores_are_of_the_test_part_alone(budget):
    """A method that knows its training rows by heart is perfect on these, and ignorant elsewhere."""
    table = sine()
    noise = type(table)(table.features.assign(x=np.random.default_rng(0).random(1000), y=0.0), table.label)
    record = run_cell(noise, cell("extra_trees"), budget)
    assert record["auc_roc"] == pytest.approx(0.5, abs=0.15)
