"""Alerts are the flagged rows of a table, however it is cut into chunks."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from swift_hydra_kedro.config import ExplanationConfig
from swift_hydra_kedro.explanation import Explainer
from swift_hydra_kedro.explanation.alerts import Alerts
from swift_hydra_kedro.explanation.page import render_alerts

from .saved import scored, write

FEW = ExplanationConfig(pairs=4)


@pytest.fixture
def rows(rows):
    """With a row that is rejected, so that numbers have a gap, and an identifier."""
    rows = rows.astype({"count": object}).assign(name=[f"row {i}" for i in range(60)])
    rows.loc[3, "count"] = "?"
    return rows


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_alerts_are_the_flagged_rows_that_of_the_highest_score_first(scorer, rows, tmp_path, suffix):
    table = write(rows.astype({"count": str}), tmp_path / f"in{suffix}")
    scoring, scores = scored(scorer, table, tmp_path / f"out{suffix}")
    frame = Alerts.of(scoring, scores, Explainer(scoring.score.scorer, FEW)).to_frame()
    saved = pd.read_csv(scores.path) if suffix == ".csv" else pd.read_parquet(scores.path)
    flagged = saved[saved["is_anomaly"]].sort_values("score", ascending=False)
    assert 3 < len(flagged) < 60
    assert frame["row"].tolist() == flagged["row"].tolist()
    assert frame["name"].tolist() == [f"row {row}" for row in frame["row"]] == flagged["name"].tolist()
    np.testing.assert_allclose(frame["score"], flagged["score"], rtol=1e-9)
    contributions = frame.filter(like="contribution.")
    np.testing.assert_allclose(frame["base"] + contributions.sum(axis=1), logit(flagged["score"]), atol=1e-6)


def test_of_many_alerts_those_of_the_highest_scores_are_explained(scorer, rows, tmp_path):
    scoring, scores = scored(scorer, write(rows, tmp_path / "in.csv"), tmp_path / "out.csv")
    found = Alerts.of(scoring, scores, Explainer(scoring.score.scorer, FEW.model_copy(update={"max_alerts": 2})))
    saved = pd.read_csv(scores.path)
    assert found.named.index.tolist() == saved.nlargest(2, "score")["row"].tolist()


def test_no_alerts_are_no_error(scorer, rows, tmp_path):
    scoring, scores = scored(scorer, write(rows, tmp_path / "in.csv"), tmp_path / "out.csv", threshold=1.0)
    explainer = Explainer(scoring.score.scorer, FEW)
    found = Alerts.of(scoring, scores, explainer)
    frame = found.to_frame()
    assert len(frame) == 0
    assert {"row", "name", "score", "reason_1", "contribution.size"} <= set(frame)
    assert "No row was flagged" in render_alerts("none", found, explainer)


def test_a_table_without_rows_is_no_error(scorer, rows, tmp_path):
    scoring, scores = scored(scorer, write(rows[:0], tmp_path / "in.parquet"), tmp_path / "out.parquet")
    assert len(Alerts.of(scoring, scores, Explainer(scoring.score.scorer, FEW)).named) == 0


def test_a_table_without_scores_is_an_error(scorer, rows, tmp_path):
    table = write(rows, tmp_path / "in.csv")
    scoring, _ = scored(scorer, table, tmp_path / "out.csv")
    with pytest.raises(ValueError, match=r"in.csv holds no scores: columns \['is_anomaly', 'model', 'row'.*run the"):
        Alerts.of(scoring, table, Explainer(scoring.score.scorer, FEW))


def test_scores_of_another_model_are_an_error(scorer, rows, tmp_path):
    scoring, scores = scored(scorer, write(rows, tmp_path / "in.csv"), tmp_path / "out.csv")
    saved = pd.read_csv(scores.path).assign(model="1.0+abc")
    write(saved, tmp_path / "out.csv")
    with pytest.raises(ValueError, match=r"out.csv holds scores of the model 1.0\+abc.*run the pipeline scoring"):
        Alerts.of(scoring, scores, Explainer(scoring.score.scorer, FEW))


@pytest.mark.parametrize("other", [lambda rows: rows[::-1], lambda rows: rows[:5], lambda rows: rows.assign(size="x")])
def test_scores_of_another_table_are_an_error(scorer, rows, tmp_path, other):
    table = write(rows, tmp_path / "in.csv")
    scoring, scores = scored(scorer, table, tmp_path / "out.csv")
    write(other(rows), tmp_path / "in.csv")
    with pytest.raises(ValueError, match=r"out.csv does not hold scores of .*in.csv.*row \d+ has another score"):
        Alerts.of(scoring, scores, Explainer(scoring.score.scorer, FEW))
