"""Versions in MLflow's registry, and which of them is the champion."""

import mlflow
import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from swift_hydra_kedro.config import RegistrationConfig
from swift_hydra_kedro.serving.logging import log_model
from swift_hydra_kedro.serving.registry import _value, register

from ..mixed_table import fitted_classifier, mixed_table

CONFIG = RegistrationConfig(name="claims")


@pytest.fixture(scope="module")
def rows():
    return mixed_table(200, seed=1)


@pytest.fixture(scope="module")
def scorer():
    return fitted_classifier().scorer_


@pytest.fixture(scope="module")
def uris(tmp_path_factory, scorer):
    """A good model; a bad one, trained on labels the other way round; and one of another table."""
    folder, before = tmp_path_factory.mktemp("tracking"), mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    x, y = mixed_table()
    bad = fitted_classifier().fit(x, 1 - y).scorer_
    other = fitted_classifier().fit(x.rename(columns={"size": "length"}), y).scorer_
    experiment = mlflow.create_experiment("registry", artifact_location=str(folder / "artifacts"))
    with mlflow.start_run(experiment_id=experiment):
        found = {
            name: log_model(model.to_checkpoint(), "", frame.head(3))["model_uri"]
            for name, model, frame in (
                ("good", scorer, x),
                ("bad", bad, x),
                ("other", other, x.rename(columns={"size": "length"})),
            )
        }
    yield found
    mlflow.set_tracking_uri(before)


@pytest.fixture
def registry(uris):
    """An empty registry."""
    yield mlflow.MlflowClient()
    for model in mlflow.MlflowClient().search_registered_models():
        mlflow.MlflowClient().delete_registered_model(model.name)


def champion(registry):
    return int(registry.get_model_version_by_alias("claims", "champion").version)


def test_nothing_is_registered_unless_asked_for(registry, uris, rows):
    assert register(uris["good"], *rows, RegistrationConfig()) == {"registered": False}
    assert len(registry.search_registered_models()) == 0


def test_the_first_version_is_the_champion(registry, uris, rows, scorer):
    report = register(uris["good"], *rows, CONFIG)
    value = average_precision_score(rows[1], scorer.score(rows[0]))
    assert report == {
        "registered": True,
        "name": "claims",
        "version": 1,
        "alias": "champion",
        "metric": "auc_pr",
        "value": pytest.approx(value),
        "champion": None,
        "promoted": True,
    }
    assert champion(registry) == 1
    assert float(registry.get_model_version("claims", "1").tags["auc_pr"]) == pytest.approx(value, abs=1e-6)


def test_a_worse_version_is_registered_and_not_promoted(registry, uris, rows):
    first = register(uris["good"], *rows, CONFIG)
    report = register(uris["bad"], *rows, CONFIG)
    assert (report["version"], report["promoted"]) == (2, False)
    assert report["value"] < report["champion"]["value"] == first["value"]
    assert champion(registry) == 1


def test_a_better_version_is_promoted_and_an_equal_one_is_not(registry, uris, rows):
    register(uris["bad"], *rows, CONFIG)
    assert register(uris["good"], *rows, CONFIG)["promoted"]
    assert not register(uris["good"], *rows, CONFIG)["promoted"]
    assert champion(registry) == 2


def test_a_champion_that_cannot_score_the_rows_stays_and_it_is_said(registry, uris, rows, caplog):
    features, label = rows
    register(uris["other"], features.rename(columns={"size": "length"}), label, CONFIG)
    report = register(uris["good"], features, label, CONFIG)
    assert (report["promoted"], report["champion"]) == (False, {"version": 1, "value": None})
    assert "columns are missing: ['length']" in caplog.text
    assert champion(registry) == 1


@pytest.mark.parametrize("error", [ValueError("saved in format 0"), FileNotFoundError("no state.json")])
def test_a_champion_that_cannot_be_loaded_stays_and_it_is_said(registry, uris, rows, monkeypatch, caplog, error):
    register(uris["bad"], *rows, CONFIG)
    monkeypatch.setattr("swift_hydra_kedro.serving.registry._value", refuse_the_champion(_value, error))
    report = register(uris["good"], *rows, CONFIG)
    assert (report["version"], report["promoted"], report["champion"]["value"]) == (2, False, None)
    assert f"{error}. If the new model is to take its place, set the alias by hand" in caplog.text


def refuse_the_champion(value, error):
    def refusing(uri, *others):
        if uri.endswith("@champion"):
            raise error
        return value(uri, *others)

    return refusing


def test_tables_longer_than_a_request_are_compared_whole(registry, uris, rows, scorer, monkeypatch):
    features, label = rows
    monkeypatch.setattr("swift_hydra_kedro.serving.registry.MAX_ROWS", 33)
    report = register(uris["good"], features, label, CONFIG.model_copy(update={"metric": "auc_roc"}))
    score = scorer.score(features)
    expected = np.mean(np.sign(score[label == 1][:, None] - score[label == 0]) / 2 + 0.5)
    assert report["value"] == pytest.approx(expected)


@pytest.mark.parametrize(
    "fields", [{"name": "a/b"}, {"name": "a'b"}, {"alias": "v1"}, {"alias": "latest"}, {"alias": "a b"}, {"alias": ""}]
)
def test_names_that_mlflow_refuses_are_refused_before_training(fields):
    with pytest.raises(ValueError, match=next(iter(fields))):
        RegistrationConfig(**fields)
