import numpy as np
import pandas as pd
import pytest

from swift_hydra_kedro.evaluation.beyond import by_oversampler, share_beyond

LINE = np.array([[0.0, 0.0], [1.0, 0.0], [3.0, 0.0]])  # 1, 1 and 2 from the nearest other one: 95% of these are 1.9


def test_rows_are_beyond_that_are_farther_from_the_nearest_anomaly_than_these_are_from_each_other():
    rows = np.array([[0.5, 0.0], [0.0, -1.8], [0.0, 1.95], [9.0, 0.0]])
    assert share_beyond(rows, LINE) == 0.5


def test_equal_anomalies_count_once():
    assert share_beyond(np.array([[0.0, 1.5]]), np.repeat(LINE, 9, axis=0)) == 0.0


def test_of_anomalies_drawn_like_those_of_training_a_twentieth_is_beyond(rng):
    found = [share_beyond(rng.normal(size=(2000, 5)), rng.normal(size=(400, 5))) for _ in range(5)]
    assert np.mean(found) == pytest.approx(0.05, abs=0.015)


def test_rows_beside_anomalies_are_not_beyond_and_rows_elsewhere_are(rng):
    anomalies = rng.normal(size=(100, 4))
    assert share_beyond(anomalies + 0.001, anomalies) == 0.0
    assert share_beyond(anomalies + 50, anomalies) == 1.0


@pytest.mark.parametrize(
    ("rows", "anomalies"), [(LINE[:0], LINE), (LINE, LINE[:1]), (LINE, np.repeat(LINE[:1], 3, axis=0))]
)
def test_without_rows_or_two_anomalies_there_is_no_share(rows, anomalies):
    assert share_beyond(rows, anomalies) is None


def test_cells_by_what_generates():
    cells = pd.DataFrame(
        {
            "method": ["smote", "smote__extra_trees", "swift_hydra", "swift_hydra_no_synthesis", "extra_trees"],
            "oversampler": ["smote", "smote", None, None, None],
        }
    )
    assert by_oversampler(cells)["method"].tolist() == ["smote", "smote", "swift_hydra"]
