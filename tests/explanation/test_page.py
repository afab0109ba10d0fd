"""The report for analysts, of a table whose names, values and ids are markup."""

import numpy as np
import pandas as pd
import pytest

from swift_hydra_kedro.config import ExplanationConfig
from swift_hydra_kedro.explanation import Explainer
from swift_hydra_kedro.explanation.alerts import Alerts
from swift_hydra_kedro.explanation.page import render_alerts

from ..mixed_table import fitted_classifier, mixed_table
from .saved import scored, write

HOSTILE = "<script>alert('x')</script>"
FEW = ExplanationConfig(pairs=4, figures=2)


def hostile(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.rename(columns={"size": f"size {HOSTILE}"}).replace({"colour": {"red": f"red {HOSTILE}"}})


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    features, label = mixed_table()
    scorer = fitted_classifier(threshold=0.3).fit(hostile(features), label).scorer_
    rows = hostile(mixed_table(60, seed=1)[0]).assign(**{f"id {HOSTILE}": f"b {HOSTILE}"})
    scoring, scores = scored(scorer, write(rows, folder / "in.csv"), folder / "out.csv", (f"id {HOSTILE}",))
    explainer = Explainer(scoring.score.scorer, FEW)
    return render_alerts(f"Alerts {HOSTILE}", Alerts.of(scoring, scores, explainer), explainer)


def test_one_known_anomaly_is_at_no_typical_distance(tmp_path):
    features, label = mixed_table()
    rows = np.append(np.flatnonzero(label == 0), 0)
    scorer = fitted_classifier(threshold=0.0).fit(features.iloc[rows], label.iloc[rows]).scorer_
    scoring, scores = scored(scorer, write(features.head(3), tmp_path / "in.csv"), tmp_path / "out.csv", ())
    explainer = Explainer(scoring.score.scorer, FEW)
    page = render_alerts("Alerts", Alerts.of(scoring, scores, explainer), explainer)
    assert "Only one is known." in page
    assert "nan" not in page.split("</p>")[1]


def test_nothing_that_comes_from_data_is_markup(page):
    assert HOSTILE not in page
    assert "\\u003cscript" not in page  # which is how figures hold it


@pytest.mark.parametrize("name", ["Alerts", "id", "b", "size", "red"])
def test_what_comes_from_data_is_named_as_it_is(page, name):
    assert f"{name} &lt;script&gt;" in page


def test_there_is_a_figure_of_all_alerts_and_one_for_each_of_the_first(page):
    assert page.count("Plotly.newPlot(") == 1 + FEW.figures
    assert page.count("<h2>Row ") == FEW.figures
    assert page.count("Nearest known anomalies: training row ") == FEW.figures


def test_nothing_is_loaded(page):
    assert "<script src" not in page
    assert "<link" not in page
