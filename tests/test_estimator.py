import pickle
from collections import Counter

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from imblearn.pipeline import make_pipeline as make_imbalanced_pipeline
from imblearn.utils.estimator_checks import parametrize_with_checks as parametrize_with_imblearn_checks
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from swift_hydra_kedro import SwiftHydraClassifier, SwiftHydraSampler, estimator
from swift_hydra_kedro.config import ExpertsConfig

from .budgets import SMOKE
from .mixed_table import fitted_classifier, mixed_table

STEPS = {"max_steps": 100, "batch_size": 64}
DETECTION = {  # enough steps to pass scikit-learn's accuracy bar on easy data
    "experts": SMOKE["detection"]["experts"] | {"training": STEPS},
    "gate": SMOKE["detection"]["gate"] | {"joint_training": STEPS},
}
# enough to make anomalies, not means of all rows, and to judge them
CVAE = SMOKE["pretraining"]["cvae"] | {"training": {"max_steps": 150}}
JUDGE = SMOKE["pretraining"]["judge"] | {"training": {"max_steps": 150, "batch_size": 64}}
GENERATION = {
    "pretraining": SMOKE["pretraining"] | {"cvae": CVAE, "judge": JUDGE},
    "synthesis": SMOKE["synthesis"] | {"min_probability": 0.7},
}
EXPECTED_TO_FAIL = {
    "check_sample_weight_equivalence_on_dense_data": "a row of weight 2 and a row repeated twice draw other batches: "
    "training is stochastic, and equal in expectation only",
}


def smoke_classifier(**parameters):
    return SwiftHydraClassifier(**GENERATION, detection=DETECTION, **{"random_state": 0} | parameters)


def quick_classifier(**parameters):
    """Without synthesis: a fraction of a second."""
    settings = {"detection": SMOKE["detection"], "synthesis": {"enabled": False}, "random_state": 0}
    return SwiftHydraClassifier(**(settings | parameters))


def generating_classifier(**parameters):
    """All stages, at the smoke budget."""
    return SwiftHydraClassifier(**GENERATION, detection=SMOKE["detection"], **({"random_state": 0} | parameters))


def easy_table(shift=3, seed=0):
    """120 rows of four features; the 15 anomalies are shifted in two of them."""
    rng = np.random.default_rng(seed)
    y = (np.arange(120) % 8 == 0).astype(int)
    x = rng.normal(size=(120, 4))
    x[:, :2] += shift * y[:, None]
    return x, y


@parametrize_with_checks([smoke_classifier()], expected_failed_checks=lambda _: EXPECTED_TO_FAIL)
def test_classifier_keeps_scikit_learns_rules(estimator, check):
    check(estimator)


@parametrize_with_imblearn_checks([SwiftHydraSampler(**GENERATION, random_state=0)])
def test_sampler_keeps_imbalanced_learns_rules(estimator, check):
    check(estimator)


def test_data_frames_may_hold_text_and_missing_values():
    model = fitted_classifier()
    test, test_label = mixed_table(seed=1)
    assert roc_auc_score(test_label, model.predict_proba(test)[:, 1]) > 0.9
    assert model.feature_names_in_.tolist() == ["size", "colour", "count", "noise"]
    assert model.n_features_in_ == 4


def same_rows_otherwise():
    frame, _ = mixed_table(seed=1)
    numbers = frame.drop(columns="colour")
    yield pytest.param(frame, lambda rows: rows.astype({"count": object}), id="numbers as objects")
    yield pytest.param(frame[frame["colour"].isna()], lambda rows: rows.assign(colour=np.nan), id="only missing text")
    yield pytest.param(numbers, lambda rows: rows.astype(object), id="all columns as objects")
    yield pytest.param(numbers, lambda rows: rows.to_numpy(), id="an array for a frame")
    yield pytest.param(numbers.astype({"count": "category"}), lambda rows: numbers, id="numbers for categories")


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize(("rows", "changed"), list(same_rows_otherwise()))
def test_a_frames_scores_do_not_depend_on_how_pandas_stores_it(rows, changed):
    frame, label = mixed_table()
    model = smoke_classifier().fit(frame[rows.columns].astype(rows.dtypes.to_dict()), label)
    np.testing.assert_array_equal(model.predict_proba(changed(rows)), model.predict_proba(rows))


def test_a_frame_of_numbers_keeps_its_column_names():
    frame, label = mixed_table()
    model = generating_classifier().fit(frame[["size", "count"]], label)
    assert model.synthetic_.columns.tolist() == ["size", "count"]


def test_numbers_read_as_text_are_an_error():
    frame, label = mixed_table()
    frame["noise"] = frame["noise"].astype(str).where(frame.index != 3, "?")
    with pytest.raises(ValueError, match="'noise' seems to hold numbers but has text in 1 of 160 rows, such as '\\?'"):
        smoke_classifier().fit(frame, label)


def test_arrays_may_hold_missing_values():
    x, y = easy_table()
    x[::7, 0] = np.nan
    assert np.isfinite(quick_classifier().fit(x, y).predict_proba(x)).all()


def test_a_text_column_counts():
    test, _ = mixed_table(seed=1)
    model = fitted_classifier()
    assert not np.allclose(model.predict_proba(test), model.predict_proba(test.assign(colour="red")))


@pytest.mark.parametrize("columns", [["noise", "count", "colour", "size"], ["size", "colour", "count"]])
def test_columns_other_than_in_fit_are_an_error(columns):
    frame, _ = mixed_table()
    with pytest.raises(ValueError, match="feature names should match"):
        fitted_classifier().predict(frame[columns])


def test_equal_random_states_give_equal_bits():
    x, y = easy_table()
    scores = [generating_classifier(random_state=3).fit(x, y).predict_proba(x) for _ in range(2)]
    np.testing.assert_array_equal(*scores)


@pytest.mark.parametrize(("other", "alike"), [(4, 0), (None, 0.05)])  # None is another in every run: chance has a say
def test_other_random_states_give_other_scores(other, alike):
    x, y = easy_table()
    scores = [quick_classifier(random_state=state).fit(x, y).predict_proba(x) for state in (3, other)]
    assert np.isclose(*scores).mean() <= alike


def test_a_random_state_object_moves_on_from_fit_to_fit():
    x, y = easy_table()
    model = quick_classifier(random_state=np.random.RandomState(0))
    scores = [model.fit(x, y).predict_proba(x) for _ in range(2)]
    assert np.isclose(*scores).mean() < 0.1


def test_fitting_leaves_global_random_state_alone():
    x, y = easy_table()
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    generating_classifier().fit(x, y)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]  # noqa: NPY002


def test_rows_of_weight_zero_equal_rows_left_out_to_the_bit():
    x, y = easy_table()
    used = np.arange(len(y)) % 3 > 0
    x_changed = np.where(used[:, None], x, 1e6)
    weighted = generating_classifier().fit(x_changed, y, sample_weight=used.astype(float))
    removed = generating_classifier().fit(x[used], y[used])
    np.testing.assert_array_equal(weighted.predict_proba(x), removed.predict_proba(x))


def test_the_scale_of_the_weights_changes_nothing():
    x, y = easy_table()
    weight = np.linspace(1, 2, len(y))
    scores = [quick_classifier().fit(x, y, sample_weight=w).predict_proba(x) for w in (weight, 8 * weight)]
    np.testing.assert_array_equal(*scores)


def test_heavy_anomalies_raise_the_scores():
    x, y = easy_table(shift=1)
    means = []
    for heavy in (1, 20):
        model = quick_classifier().fit(x, y, sample_weight=np.where(y == 1, heavy, 1))
        means.append(model.predict_proba(x)[:, 1].mean())
    assert means[1] > means[0] + 0.05


def test_weights_of_one_class_alone_are_an_error():
    x, y = easy_table()
    with pytest.raises(ValueError, match="both classes are needed"):
        quick_classifier().fit(x, y, sample_weight=(y == 0).astype(float))


@pytest.mark.parametrize("quantile", [0.3, 0.9])
def test_rows_of_at_least_the_threshold_are_called_anomalies(quantile):
    x, y = easy_table()
    model = quick_classifier().fit(x, y)
    probability = model.predict_proba(x)[:, 1]
    threshold = float(np.quantile(probability, quantile, method="lower"))
    called = model.set_params(threshold=threshold).predict(x)
    np.testing.assert_array_equal(called == 1, probability >= threshold)
    assert called.sum() == pytest.approx((1 - quantile) * len(x), abs=2)


def test_the_threshold_is_one_half_unless_set():
    assert SwiftHydraClassifier().threshold == 0.5


def test_a_rule_chooses_the_threshold_on_rows_not_drawn():
    x, y = easy_table()
    found = []
    for recall in (0.5, 1.0):
        model = quick_classifier(threshold={"rule": "recall", "recall": recall}).fit(x, y)
        np.testing.assert_array_equal(model.predict(x) == 1, model.predict_proba(x)[:, 1] >= model.scorer_.threshold)
        found.append(model.predict(x)[y == 1].sum())
    assert found[0] < found[1]


def test_a_misspelt_rule_is_told_before_training(monkeypatch):
    monkeypatch.setattr(estimator, "train_mixture_of_experts", lambda *given: pytest.fail("trained"))
    with pytest.raises(ValueError, match="rule"):
        quick_classifier(threshold={"rule": "recal"}).fit(*easy_table())


def test_labels_may_be_text_and_the_second_is_the_anomaly():
    x, y = easy_table()
    model = quick_classifier().fit(x, np.where(y == 1, "fraud", "a fair deal"))
    assert model.classes_.tolist() == ["a fair deal", "fraud"]
    numbers = quick_classifier().fit(x, y)
    np.testing.assert_array_equal(model.predict_proba(x), numbers.predict_proba(x))
    np.testing.assert_array_equal(model.predict(x) == "fraud", numbers.predict(x) == 1)


def test_the_anomaly_s_label_may_be_named():
    x, y = easy_table()
    model = quick_classifier(positive_label="fraud").fit(x, np.where(y == 1, "fraud", "normal"))
    assert model.classes_.tolist() == ["normal", "fraud"]
    numbers = quick_classifier().fit(x, y)
    np.testing.assert_array_equal(model.predict_proba(x), numbers.predict_proba(x))
    np.testing.assert_array_equal(model.predict(x) == "fraud", numbers.predict(x) == 1)
    with pytest.raises(
        ValueError, match=r"positive_label 'frod' is neither of the classes of y, \['fraud', 'normal'\]"
    ):
        quick_classifier(positive_label="frod").fit(x, np.where(y == 1, "fraud", "normal"))


def test_anomalies_that_are_most_rows_are_doubted():
    x, y = easy_table()
    with pytest.warns(UserWarning, match=r"88% of the rows are anomalies, labelled 'normal'.*positive_label"):
        quick_classifier().fit(x, np.where(y == 1, "fraud", "normal"))


def test_a_fit_that_fails_leaves_no_model_of_other_labels():
    x, y = easy_table()
    model = quick_classifier().fit(x, y)
    with pytest.raises(ValueError, match="zero sample_weight"):
        model.fit(x, np.where(y == 1, "b", "a"), sample_weight=1.0 - y)
    with pytest.raises(NotFittedError):
        model.predict(x)


def test_a_threshold_set_after_fitting_is_checked():
    x, y = easy_table()
    with pytest.raises(ValueError, match="threshold"):
        quick_classifier().fit(x, y).set_params(threshold=7).predict(x)


def test_columns_that_are_there_twice_are_told():
    frame = pd.DataFrame(easy_table()[0], columns=["a", "b", "a", "c"])
    with pytest.raises(ValueError, match=r"column names occur twice: \['a'\]"):
        quick_classifier().fit(frame, easy_table()[1])


def test_one_labelled_anomaly_is_enough():
    x, y = easy_table()
    used = np.flatnonzero(y == 0).tolist() + np.flatnonzero(y == 1).tolist()[:1]
    model = generating_classifier().fit(x[used], y[used])
    assert len(model.synthetic_) == 16
    assert roc_auc_score(y, model.predict_proba(x)[:, 1]) > 0.8


def test_synthetic_anomalies_come_in_the_tables_columns():
    frame, _ = mixed_table()
    model = fitted_classifier(synthesis=SMOKE["synthesis"], pretraining=SMOKE["pretraining"])
    assert model.synthetic_.columns.tolist() == frame.columns.tolist()
    assert set(model.synthetic_["colour"].dropna()) <= {"red", "green", "blue"}
    assert (model.synthetic_["count"] % 1 == 0).all()


def test_history_has_a_row_for_each_episode():
    assert generating_classifier().fit(*easy_table()).history_["episode"].tolist() == [1, 2]


def test_without_synthesis_there_are_no_synthetic_anomalies_and_no_history():
    model = fitted_classifier()
    assert model.synthetic_.shape == (0, 4)
    assert len(model.history_) == 0


def test_configuration_given_by_field_keeps_the_stages_other_defaults(monkeypatch):
    used = []
    monkeypatch.setattr(estimator, "train_mixture_of_experts", lambda *given: used.append(given[2].experts) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        SwiftHydraClassifier(
            synthesis={"enabled": False}, detection={"experts": {"training": {"max_steps": 7}, "mamba": {"bins": 3}}}
        ).fit(*easy_table())
    default = ExpertsConfig()
    assert used[0].training == default.training.model_copy(update={"max_steps": 7})
    assert used[0].mamba == default.mamba.model_copy(update={"bins": 3})


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"synthesis": {"episods": 3}}, r"(?s)episods.*Extra inputs are not permitted"),
        ({"detection": {"gate": {"top_k": 0}}}, r"(?s)top_k.*greater than or equal to 1"),
        ({"detection": {"gate": {"top_k": 99}}}, "top_k .99. exceeds n_experts"),
        ({"preparation": {"clip": "much"}}, r"(?s)clip.*valid number"),
    ],
)
def test_a_wrong_configuration_field_is_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        SwiftHydraClassifier(**parameters).fit(*easy_table())


def test_an_unknown_device_is_an_error_where_it_cannot_be_had(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="finds no CUDA device"):
        quick_classifier(device="cuda").fit(*easy_table())


def test_three_classes_are_refused():
    x, _ = easy_table()
    with pytest.raises(ValueError, match=r"Only binary classification is supported.*3 class"):
        quick_classifier().fit(x, np.arange(len(x)) % 3)


def test_clone_keeps_the_parameters_and_forgets_the_fit():
    model = quick_classifier(threshold=0.3).fit(*easy_table())
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert not hasattr(copy, "scorer_")


def test_parameters_are_left_as_they_were_given():
    given = {"experts": {"n_experts": 3}}
    model = SwiftHydraClassifier(detection=given)
    assert model.get_params()["detection"] is given


@pytest.mark.parametrize("dump", [pickle, joblib], ids=["pickle", "joblib"])
def test_a_pickled_classifier_scores_bit_by_bit_alike(tmp_path, dump):
    x, y = easy_table()
    model = quick_classifier().fit(x, y)
    model.predict_proba(x)
    with (tmp_path / "model").open("wb") as file:
        dump.dump(model, file)
    with (tmp_path / "model").open("rb") as file:
        again = dump.load(file)
    np.testing.assert_array_equal(again.predict_proba(x), model.predict_proba(x))


def test_grid_search_takes_the_classifier_in_a_pipeline():
    x, y = easy_table()
    steps = make_pipeline(StandardScaler(), quick_classifier())
    grid = {"swifthydraclassifier__detection": [DETECTION, DETECTION | {"gate": DETECTION["gate"] | {"top_k": 1}}]}
    search = GridSearchCV(steps, grid, scoring="roc_auc", cv=2, error_score="raise").fit(x, y)
    assert search.best_score_ > 0.9


def sampled(strategy, y):
    """Class counts after resampling 4-feature rows with labels `y`."""
    x = np.random.default_rng(0).normal(size=(len(y), 4)) + 2 * y[:, None]
    sampler = SwiftHydraSampler(**GENERATION, sampling_strategy=strategy, random_state=0)
    x_new, y_new = sampler.fit_resample(x, y)
    np.testing.assert_array_equal(x_new[: len(x)], x)
    assert np.isfinite(x_new).all()
    return dict(Counter(y_new.tolist()))


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("auto", {0: 60, 1: 60}),
        ("minority", {0: 60, 1: 60}),
        (0.5, {0: 60, 1: 30}),
        ({1: 13}, {0: 60, 1: 13}),
        ({0: 70, 1: 21}, {0: 70, 1: 21}),
        ({1: 10}, {0: 60, 1: 10}),
        (lambda y: {1: 55}, {0: 60, 1: 55}),
    ],
    ids=["auto", "minority", "share", "fewer than kept", "both classes", "none", "function"],
)
def test_sampler_makes_as_many_as_imbalanced_learn_asks_for(strategy, expected):
    assert sampled(strategy, np.array([0] * 60 + [1] * 10)) == expected


def test_sampler_fills_each_of_three_classes():
    assert sampled("auto", np.array([0] * 40 + [1] * 12 + [2] * 6)) == {0: 40, 1: 40, 2: 40}


def test_sampler_works_from_a_single_anomaly():
    assert sampled("auto", np.array([0] * 30 + [1])) == {0: 30, 1: 30}


def test_sampler_makes_different_samples_near_the_anomalies():
    x, y = easy_table()
    x_new, _ = SwiftHydraSampler(**GENERATION, random_state=0).fit_resample(x, y)
    made = x_new[len(x) :]
    assert len(np.unique(made, axis=0)) == len(made)
    to_anomalies = np.linalg.norm(made - x[y == 1].mean(axis=0), axis=1)
    assert np.median(to_anomalies) < 3 * np.linalg.norm(x[y == 1] - x[y == 1].mean(axis=0), axis=1).max()


def test_sampler_gives_equal_bits_for_equal_random_states():
    x, y = easy_table()
    made = [SwiftHydraSampler(**GENERATION, random_state=s).fit_resample(x, y)[0] for s in (1, 1, 2)]
    np.testing.assert_array_equal(made[0], made[1])
    assert not np.isclose(made[0][len(x) :], made[2][len(x) :]).all()


def test_sampler_keeps_a_data_frame_a_data_frame():
    x, y = easy_table()
    frame = pd.DataFrame(x, columns=list("abcd"))
    frame_new, label_new = SwiftHydraSampler(**GENERATION, random_state=0).fit_resample(frame, pd.Series(y, name="y"))
    assert frame_new.columns.tolist() == list("abcd")
    assert label_new.name == "y"


def test_sampler_keeps_text_labels():
    x, y = easy_table()
    _, label = SwiftHydraSampler(**GENERATION, random_state=0).fit_resample(x, np.where(y == 1, "fraud", "fair"))
    assert Counter(label.tolist()) == {"fraud": 105, "fair": 105}


def test_sampler_and_classifier_share_a_pipeline():
    x, y = easy_table()
    model = make_imbalanced_pipeline(SwiftHydraSampler(**GENERATION, random_state=0), LogisticRegression())
    assert model.fit(x, y).score(x, y) > 0.9
