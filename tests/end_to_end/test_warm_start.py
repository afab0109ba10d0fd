"""Training that goes on from a model, with rows added to the table."""

import numpy as np
import pandas as pd
import pytest
from kedro.io import DatasetError

from swift_hydra_kedro.data.checkpoint import name_of
from swift_hydra_kedro.data.embedded import digits


@pytest.fixture(scope="module")
def grown(workshop):
    """A table of which the first 900 rows trained a model, and how that ran: parameters, its training rows and URI."""
    table = digits().features.assign(image=np.arange(1708), label=digits().label)
    settings = {"label": "label", "id_columns": ["image"]}
    parameters = workshop.write_table("grown", table.head(900), **settings)
    workshop.run(**parameters, registration={"name": "grown"})
    train = workshop.load("train_table", **parameters)
    workshop.write_table("grown", table, **settings)
    return parameters, set(train["__id__image"]), "models:/grown@champion"


@pytest.fixture(scope="module")
def continued(workshop, grown):
    """The run that goes on with all rows."""
    parameters, _, model = grown
    workshop.run(**parameters, warm_start=model)
    return parameters | {"warm_start": model}


def test_rows_that_the_model_learnt_from_stay_in_training(workshop, grown, continued):
    train, test = workshop.load("train_table", "test_table", **continued)
    assert grown[1] < set(train["__id__image"])
    assert not grown[1] & set(test["__id__image"])
    assert len(train) == pytest.approx(0.4 * 1708, abs=1)


def test_networks_know_which_rows_they_had(workshop, continued):
    drawn, out_of_bag, earlier = workshop.load("drawn", "out_of_bag", "earlier", **continued)
    n_members, n_rows = drawn.state["drawn_shape"]
    assert (n_members, n_rows) == (earlier.state["drawn_shape"][0], len(workshop.load("train_table", **continued)))
    assert 0 < len(out_of_bag) <= n_rows


def test_it_takes_a_share_of_the_steps_and_keeps_the_preprocessing(workshop, continued):
    history, preprocessor, earlier = workshop.load("experts_history", "preprocessor", "earlier", **continued)
    with workshop.session(**continued) as session:
        experts = session.load_context().catalog.load("params:detection").experts
    n_rows = len(workshop.load("train_table", **continued))
    assert history["step"].max() == np.ceil(experts.continued * experts.training.steps(n_rows))
    assert preprocessor == earlier.state["preprocessor"]


def test_what_it_went_on_from_is_tracked_and_on_the_card(workshop, continued):
    assert workshop.tracked()[0].data.params["run.warm_start"] == "models:/grown@champion"
    assert "went on from models:/grown@champion" in workshop.load("model_card", **continued)


def test_new_rows_are_scored_by_the_model_that_is_named(workshop, continued, tmp_path):
    champion = workshop.load("earlier", **continued).state["name"]
    scores, files = {}, {"input": str(workshop.folder / "data/01_raw/grown.csv")}
    for model in (None, "models:/grown@champion"):
        files["output"] = str(tmp_path / f"scores_{model is None}.parquet")
        named = {} if model is None else {"model": model}
        workshop.run("scoring", **continued, **files, **named)
        scores[model] = pd.read_parquet(files["output"])
    own, of_champion = (table["model"].unique().item() for table in scores.values())
    assert own == name_of(workshop.load("model", **continued))
    assert of_champion == champion != own
    with workshop.session(**continued, **files, model=model) as session:
        session.run(pipeline_names=["explanation"])
    assert len(pd.read_csv(tmp_path / "scores_False.alerts.csv")) > 0
    with pytest.raises((DatasetError, ValueError), match="there is no model 'models:/nobody@champion'"):
        workshop.run("scoring", **continued, **files, model="models:/nobody@champion")


def test_training_goes_on_from_a_model_that_went_on(workshop, continued):
    uri = workshop.load("model_info", **continued)["model_uri"]
    table = digits().features.assign(image=np.arange(1708), label=digits().label)
    workshop.write_table("grown", table, label="label", id_columns=["image"])
    workshop.run(**continued | {"warm_start": uri, "train_size": 0.5})
    assert len(workshop.load("train_table", **continued | {"train_size": 0.5})) == pytest.approx(0.5 * 1708, abs=1)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"warm_start": "models:/nobody@champion"}, "warm_start: there is no model 'models:/nobody@champion'"),
        ({"train_size": 0.1}, "leaves no room for others than the"),
        ({"detection": {"gate": {"top_k": 1}}}, "top_k is 1, it was 2"),
    ],
)
def test_what_cannot_go_on_is_refused_before_training(workshop, continued, changed, message):
    with pytest.raises(ValueError, match=message):
        workshop.run(**continued | changed)
