import json

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, confusion_matrix, roc_auc_score

from swift_hydra_kedro.evaluation.metrics import evaluate_scores, expected_calibration_error, matched_threshold

quick = settings(deadline=None, max_examples=50)  # no deadline: the machine may be busy


def evaluate(y, score, threshold=0.5, seen=None):
    seen = np.zeros(len(y), dtype=bool) if seen is None else seen
    return evaluate_scores(y, score, threshold, seen, fit_seconds=1.5, predict_seconds=0.25)


@st.composite
def labelled_scores(draw):
    """Labels and scores with ties, on a grid so that a monotone map keeps them apart."""
    rows = draw(st.lists(st.tuples(st.integers(0, 1), st.integers(-8, 8)), min_size=1, max_size=40))
    y, score = np.array(rows).T
    return y, score / 8


def test_a_hand_counted_example():
    y = [0, 0, 0, 1, 1, 1]
    score = [0.1, 0.5, 0.4, 0.5, 0.9, 0.3]  # a tie of both classes on the threshold
    result = evaluate(y, score)
    # pairs (anomaly, normal) ranked rightly: 0.5 -> 2 + 1/2, 0.9 -> 3, 0.3 -> 1, of 9
    assert result["auc_roc"] == pytest.approx(6.5 / 9)
    assert result["per_class"]["1"] == pytest.approx({"precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3, "support": 3})
    assert result["per_class"]["0"] == pytest.approx({"precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3, "support": 3})
    assert (result["threshold"], result["fit_seconds"], result["predict_seconds"]) == (0.5, 1.5, 0.25)


def test_the_contract_holds_and_is_plain_json():
    result = evaluate(np.array([0, 1, 0, 1]), np.array([0.1, 0.9, 0.2, 0.4], dtype=np.float32), np.float32(0.5))
    assert list(result) == [
        "auc_roc",
        "auc_roc_unseen",
        "auc_pr",
        "per_class",
        "threshold",
        "fit_seconds",
        "predict_seconds",
    ]
    assert {type(value) for value in result.values()} == {float, dict}
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_a_share_of_rejected_rows_stands_beside_the_metrics_and_changes_none():
    arguments = {"threshold": 0.5, "seen_in_training": [False] * 2, "fit_seconds": 1, "predict_seconds": 1}
    plain, rejecting = (
        evaluate_scores([0, 1], [0.1, 0.9], **arguments, **more) for more in ({}, {"rejected_share": np.float64(0.5)})
    )
    assert rejecting == plain | {"rejected_share": 0.5}
    assert type(rejecting["rejected_share"]) is float


def test_float32_scores_are_compared_with_the_threshold_as_they_are():
    score = np.array([0.7, 0.9], dtype=np.float32)  # float32(0.7) is below 0.7, yet equal to it in float32
    assert evaluate([1, 0], score, threshold=0.7)["per_class"]["1"]["recall"] == 0
    assert evaluate([1, 0], score, threshold=float(score[0]))["per_class"]["1"]["recall"] == 1


@quick
@given(labelled_scores())
def test_areas_agree_with_scikit_learn_and_ignore_monotone_maps(rows):
    y, score = rows
    assume(0 < y.sum() < len(y))
    result, mapped = evaluate(y, score), evaluate(y, np.exp(3 * score) - 7)
    assert result["auc_roc"] == pytest.approx(roc_auc_score(y, score))
    assert result["auc_pr"] == pytest.approx(average_precision_score(y, score))
    assert mapped["auc_roc"] == pytest.approx(result["auc_roc"])
    assert mapped["auc_pr"] == pytest.approx(result["auc_pr"])


@quick
@given(labelled_scores(), st.floats(-1.5, 1.5))
def test_per_class_values_follow_from_the_confusion_matrix(rows, threshold):
    y, score = rows
    (tn, fp), (fn, tp) = confusion_matrix(y, score >= threshold, labels=[0, 1])
    for label, hits, flagged, support in (("0", tn, tn + fn, tn + fp), ("1", tp, tp + fp, tp + fn)):
        found = evaluate(y, score, threshold)["per_class"][label]
        assert found["support"] == support
        assert found["precision"] == pytest.approx(hits / flagged if flagged else 0)
        assert found["recall"] == pytest.approx(hits / support if support else 0)


def test_unseen_rows_are_ranked_alone():
    y, score = [0, 1, 0, 1], [0.1, 0.9, 0.8, 0.3]
    result = evaluate(y, score, seen=np.array([True, True, False, False]))
    assert result["auc_roc"] == 0.75
    assert result["auc_roc_unseen"] == 0


@pytest.mark.parametrize("seen", [[True] * 4, [False, True, False, True], [True, False, True, True]])
def test_one_class_or_none_among_the_unseen_rows_gives_null(seen):
    result = evaluate([0, 1, 0, 1], [0.1, 0.9, 0.2, 0.8], seen=seen)
    assert result["auc_roc_unseen"] is None
    assert result["auc_roc"] == 1


def test_a_test_part_of_one_class_has_no_areas():
    result = evaluate([0, 0, 0], [0.1, 0.9, 0.2])
    assert result["auc_roc"] is None
    assert result["auc_pr"] is None
    assert result["per_class"]["1"] == {"precision": 0, "recall": 0, "f1": 0, "support": 0}


@pytest.mark.parametrize(
    ("y", "score", "threshold", "seen", "message"),
    [
        ([0, 1], [0.1], 0.5, [False, False], "labels have shape"),
        ([0, 1], [0.1, np.nan], 0.5, [False, False], "scores must be finite"),
        ([0, 2], [0.1, 0.2], 0.5, [False, False], "labels must be 0"),
        ([0, 1], [0.1, 0.2], 0.5, [False], "seen_in_training"),
        ([0, 1], [0.1, 0.2], np.nan, [False, False], "threshold must be finite"),
        ([], [], 0.5, [], "N >= 1"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(y, score, threshold, seen, message):
    with pytest.raises(ValueError, match=message):
        evaluate(y, score, threshold, seen)


def test_distinct_training_scores_flag_the_share_asked_for():
    scores = np.random.default_rng(0).permutation(100) / 100
    threshold = matched_threshold(scores, 0.1)
    assert threshold == pytest.approx(0.895)  # midway between 0.89 and 0.90
    assert (scores >= threshold).sum() == 10


def test_scores_of_exactly_zero_and_one_part_in_the_middle():
    assert matched_threshold(np.repeat([0.0, 1.0], [90, 10]), 0.1) == 0.5
    assert matched_threshold(np.repeat([0.0, 1.0], [95, 5]), 0.1) == 0.5  # 5 flagged is nearer to 10 than 100


@pytest.mark.parametrize(
    ("scores", "share", "flagged"),
    [
        ([1, 1, 1, 1], 0.25, 4),  # nothing tells the rows apart
        ([0, 1, 1, 1, 1], 0.2, 4),  # the highest score is always flagged
        ([0, 1, 1, 2], 0.5, 3),  # one or three are equally near two: the one that flags more
        ([0, 1, 2, 3], 0.0, 1),
        ([0, 1, 2, 3], 1.0, 4),
        ([5], 0.5, 1),
    ],
)
def test_ties_are_flagged_together(scores, share, flagged):
    scores = np.array(scores, dtype=float)
    assert (scores >= matched_threshold(scores, share)).sum() == flagged


@quick
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30),
    st.floats(0, 1),
)
def test_no_other_cut_comes_nearer_to_the_share(scores, share):
    scores = np.array(scores)
    off = abs((scores >= matched_threshold(scores, share)).sum() - share * len(scores))
    assert off == min(abs((scores >= cut).sum() - share * len(scores)) for cut in scores)


@pytest.mark.parametrize(("scores", "share"), [([], 0.1), ([np.inf], 0.1), ([1.0], 1.1), ([1.0], np.nan)])
def test_a_threshold_needs_finite_scores_and_a_share(scores, share):
    with pytest.raises(ValueError, match="must"):
        matched_threshold(scores, share)


def test_calibration_error_of_a_hand_counted_example():
    # bin [0, 1/2): mean 0.2, share 0, two rows; bin [1/2, 1]: mean 0.9, share 1/2, two rows
    assert expected_calibration_error([0, 0, 1, 0], [0.1, 0.3, 0.8, 1.0], bins=2) == pytest.approx(0.3)


def test_a_calibrated_forecast_has_no_error():
    assert expected_calibration_error([1, 0, 0, 0], [0.25] * 4) == pytest.approx(0)
    assert expected_calibration_error([1, 0], [1.0, 0.0]) == 0


@quick
@given(labelled_scores(), st.integers(1, 20))
def test_calibration_error_is_a_weighted_mean_over_the_bins(rows, bins):
    y, score = rows
    p = (score + 1) / 2
    index = np.minimum(np.floor(p * bins), bins - 1)
    filled = [index == b for b in range(bins) if (index == b).any()]
    expected = sum(rows.mean() * abs(y[rows].mean() - p[rows].mean()) for rows in filled)
    assert expected_calibration_error(y, p, bins) == pytest.approx(expected)


@pytest.mark.parametrize(("p", "bins"), [([-0.1, 0.5], 15), ([0.5, 1.1], 15), ([0.5, 0.5], 0)])
def test_calibration_needs_probabilities_and_bins(p, bins):
    with pytest.raises(ValueError, match="must"):
        expected_calibration_error([0, 1], p, bins)
