import dataclasses
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest

from swift_hydra_kedro import __version__
from swift_hydra_kedro.data.checkpoint import load_checkpoint, save_checkpoint
from swift_hydra_kedro.scorer import Scorer

from .budgets import WIDE
from .mixed_table import fitted_classifier, mixed_table


@pytest.fixture(scope="module")
def scorer():
    return fitted_classifier(threshold=0.3).scorer_


@pytest.fixture(scope="module")
def rows():
    return mixed_table(60, seed=1)[0]


@pytest.fixture(scope="module")
def reloaded(scorer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "model"
    save_checkpoint(folder, scorer.to_checkpoint())
    return Scorer.from_checkpoint(load_checkpoint(folder))


def test_scores_are_probabilities(scorer, rows):
    score = scorer.score(rows)
    assert score.shape == (60,)
    assert score.dtype == np.float64
    assert ((score >= 0) & (score <= 1)).all()
    assert len(np.unique(score)) > 30


def test_checkpoint_keeps_every_bit_of_the_scores(scorer, reloaded, rows):
    np.testing.assert_array_equal(reloaded.score(rows), scorer.score(rows))


def test_a_scorer_is_pickled_as_arrays_and_json(scorer, rows):
    expected = scorer.score(rows)
    with_predictor, without = pickle.dumps(scorer), pickle.dumps(Scorer.from_checkpoint(scorer.to_checkpoint()))
    assert with_predictor == without
    assert b"torch" not in without
    np.testing.assert_array_equal(pickle.loads(without).score(rows), expected)


def test_a_pickled_scorer_can_be_mapped_from_a_file_that_is_only_read(scorer, rows, tmp_path):
    joblib.dump(scorer, tmp_path / "scorer.joblib")
    mapped = joblib.load(tmp_path / "scorer.joblib", mmap_mode="r")
    np.testing.assert_array_equal(mapped.score(rows), scorer.score(rows))


def test_checkpoint_keeps_threshold_and_columns(scorer, reloaded):
    assert reloaded.threshold == 0.3
    assert reloaded.preprocessor == scorer.preprocessor


def test_checkpoint_keeps_what_training_rows_looked_like(scorer, reloaded):
    assert [column.name for column in scorer.profile.columns] == ["size", "count", "noise", "colour"]
    assert reloaded.profile == scorer.profile


def test_a_second_checkpoint_equals_the_first(scorer, reloaded):
    first, second = scorer.to_checkpoint(), reloaded.to_checkpoint()
    assert first.state == second.state
    assert first.tensors.keys() == second.tensors.keys()
    for name in first.tensors:
        np.testing.assert_array_equal(first.tensors[name], second.tensors[name])


@pytest.fixture(scope="module")
def wide():
    return fitted_classifier(detection=WIDE).scorer_


@pytest.mark.parametrize("size", [1, 7, 59])
def test_a_row_scores_alike_whatever_rows_are_scored_with_it(wide, rows, size):
    together = wide.score(rows)
    apart = np.concatenate([wide.score(rows.iloc[i : i + size]) for i in range(0, 60, size)])
    np.testing.assert_allclose(apart, together, rtol=1e-12)


def test_order_of_rows_and_columns_changes_no_score(wide, rows):
    order = np.random.default_rng(0).permutation(60)
    turned = rows.iloc[order][["noise", "count", "colour", "size"]]
    np.testing.assert_allclose(wide.score(turned), wide.score(rows)[order], rtol=1e-12)


def test_further_columns_change_nothing(scorer, rows):
    np.testing.assert_array_equal(scorer.score(rows.assign(further="x")), scorer.score(rows))


def test_scoring_leaves_model_and_rows_as_they_were(scorer, rows):
    before, first = rows.copy(), scorer.score(rows)
    np.testing.assert_array_equal(scorer.score(rows), first)
    pd.testing.assert_frame_equal(rows, before)


def test_rows_never_seen_are_scored(scorer):
    strange = pd.DataFrame(
        {"size": [np.nan, 1e9], "colour": ["purple", None], "count": [np.nan, -1], "noise": [0, 0.0]}
    )
    assert np.isfinite(scorer.score(strange)).all()


def test_decisions_are_scores_of_at_least_the_threshold_on_the_rows_own_index(scorer, rows):
    rows = rows.set_axis([f"row {i}" for i in range(60)])
    threshold = float(np.median(scorer.score(rows)))
    decided = dataclasses.replace(scorer, threshold=threshold).decide(rows)
    assert decided.index.equals(rows.index)
    np.testing.assert_array_equal(decided["score"], scorer.score(rows))
    np.testing.assert_array_equal(decided["is_anomaly"], decided["score"] >= threshold)
    assert 0 < decided["is_anomaly"].sum() < 60


def test_a_score_at_the_threshold_is_an_anomaly(scorer, rows):
    highest = scorer.score(rows).max()
    assert dataclasses.replace(scorer, threshold=float(highest)).decide(rows)["is_anomaly"].sum() >= 1


def test_a_missing_column_is_an_error_that_names_it(scorer, rows):
    with pytest.raises(ValueError, match="'colour'"):
        scorer.score(rows.drop(columns="colour"))


def test_text_in_a_column_of_numbers_is_an_error_that_names_it(scorer, rows):
    with pytest.raises(ValueError, match=r"column 'size'.*'tall'"):
        scorer.score(rows.assign(size="tall"))


def test_a_model_of_another_version_is_told(scorer, caplog):
    checkpoint = scorer.to_checkpoint()
    checkpoint.state["version"] = "0.0.7"
    Scorer.from_checkpoint(checkpoint)
    assert f"saved by swift_hydra_kedro 0.0.7 and is read by {__version__}" in caplog.text


@pytest.mark.parametrize("change", [{"format": 2, "version": "9.1"}, {"format": None}])
def test_a_model_in_another_format_is_refused(scorer, change):
    checkpoint = scorer.to_checkpoint()
    checkpoint.state.update(change)
    with pytest.raises(ValueError, match=rf"format {change['format']}, and {__version__} reads format 1"):
        Scorer.from_checkpoint(checkpoint)
