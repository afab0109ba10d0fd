"""What is said of a row is true of the model."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from swift_hydra_kedro.config import ExplanationConfig
from swift_hydra_kedro.explanation import Explainer
from swift_hydra_kedro.explanation.explainer import shown
from swift_hydra_kedro.scorer import Scorer

from ..mixed_table import fitted_classifier, mixed_table

FEW = ExplanationConfig(pairs=10)


@pytest.fixture
def explained(scorer, rows):
    return Explainer(scorer, FEW).explain(rows)


def test_contributions_and_base_add_up_to_the_log_odds_of_the_score(scorer, explained, rows):
    np.testing.assert_array_equal(explained.score, scorer.score(rows))
    np.testing.assert_allclose(explained.base + explained.contributions.sum(axis=1), logit(explained.score), atol=1e-6)


def test_a_column_of_the_table_is_one_player_however_it_is_encoded(scorer, explained, rows):
    assert explained.contributions.columns.tolist() == rows.columns.tolist()
    assert len(scorer.preprocessor.feature_names_out) > rows.shape[1]
    assert "size is missing" in scorer.preprocessor.feature_names_out


def test_what_makes_rows_anomalous_contributes_most(explained):
    large = explained.values["size"] > 3
    assert (explained.contributions["size"][large] > 0.2).all()
    assert explained.contributions["noise"].abs().mean() < explained.contributions["size"].abs().mean()


def test_a_column_that_does_not_vary_in_training_has_no_part(rows):
    features, label = mixed_table()
    scorer = fitted_classifier().fit(features.assign(noise=1.0), label).scorer_
    assert Explainer(scorer, FEW).explain(rows).contributions.columns.tolist() == ["size", "colour", "count"]


def test_the_same_seed_gives_the_same_bits_and_another_others(scorer, explained, rows):
    pd.testing.assert_frame_equal(
        Explainer(scorer, FEW).explain(rows).to_frame(), explained.to_frame(), check_exact=True
    )
    assert not Explainer(scorer, FEW, seed=1).explain(rows).contributions.equals(explained.contributions)


def test_a_saved_model_explains_alike(scorer, explained, rows):
    saved = Scorer.from_checkpoint(scorer.to_checkpoint())
    pd.testing.assert_frame_equal(
        Explainer(saved, FEW).explain(rows).to_frame(), explained.to_frame(), check_dtype=False
    )


def test_reasons_are_the_columns_that_speak_most_for_an_anomaly(explained):
    for row in range(len(explained.reasons)):
        towards = explained.contributions.iloc[row].nlargest(3)
        for reason, (name, value) in zip(explained.reasons.iloc[row], towards.items(), strict=True):
            own = f"{name} = {shown(explained.values[name].iloc[row])} ({value:+.2f})"
            assert reason == (own if value > 0 else "")


def test_experts_are_those_of_the_score_and_their_mean_is_the_score_s(scorer, explained, rows):
    experts = explained.experts
    number, weight, score = (experts.xs(part, axis=1, level=1) for part in ("number", "weight", "score"))
    np.testing.assert_array_equal(number, scorer.score_with_experts(rows)[1])
    np.testing.assert_allclose(weight.sum(axis=1), 1, rtol=1e-6)
    calibration = scorer.mixture.calibration
    slope, intercept = float(calibration.slope), float(calibration.intercept)
    said = expit((logit(score) - intercept) / slope)  # before the calibration, which follows the mean
    mean = (weight.to_numpy() * said.to_numpy()).sum(axis=1)
    np.testing.assert_allclose(logit(explained.score), slope * logit(mean) + intercept, atol=1e-3)


def test_a_training_anomaly_is_its_own_nearest(scorer):
    features, label = mixed_table()
    anomalies = features[label == 1]
    nearest = Explainer(scorer, FEW).explain(anomalies).nearest
    assert nearest["anomaly_1"]["row"].tolist() == anomalies.index.tolist()
    np.testing.assert_allclose(nearest["anomaly_1"]["distance"], 0, atol=1e-6)
    assert (nearest["anomaly_2"]["distance"] <= nearest["anomaly_3"]["distance"]).all()


def test_one_row_per_row_on_its_own_index(scorer, rows):
    rows = rows.set_axis([f"row {i}" for i in range(60)])
    frame = Explainer(scorer, FEW.model_copy(update={"reasons": 1})).explain(rows).to_frame()
    assert frame.index.equals(rows.index)
    assert frame.columns.is_unique
    assert {"score", "base", "typical_distance", "reason_1", "expert_2.weight", "contribution.colour"} <= set(frame)
    assert "reason_2" not in frame


def test_no_rows_are_no_error(scorer, rows):
    assert len(Explainer(scorer, FEW).explain(rows[:0]).to_frame()) == 0


def test_typical_values_are_those_of_normal_rows(scorer):
    typical = Explainer(scorer).typical
    assert typical["colour"] in ("blue", "green")
    assert abs(typical["size"]) < 1
    assert typical["count"] in range(5)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234567.0, "1234567"),
        (np.int64(3), "3"),
        (1 / 3, "0.333333"),
        (None, "(missing)"),
        (np.nan, "(missing)"),
        ("a", "a"),
        (True, "True"),
    ],
)
def test_values_are_shown_as_people_read_them(value, text):
    assert shown(value) == text
