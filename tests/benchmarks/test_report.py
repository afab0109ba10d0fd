"""The page of the accuracy benchmark: which splits count, and ranks."""

import pandas as pd
import pytest


@pytest.fixture
def report(benchmark_module):
    return benchmark_module("report")


def results(*records: tuple[str, float, int, str, float]) -> pd.DataFrame:
    table = pd.DataFrame(records, columns=["dataset", "train_size", "seed", "method", "auc_roc"])
    return table.assign(auc_pr=table["auc_roc"] / 2, calibration_error=0.1, fit_seconds=2.0, predict_seconds=1.0)


def test_only_splits_that_all_methods_have_count_and_seeds_are_averaged_first(report):
    table = results(
        ("x", 0.4, 0, "swift_hydra", 0.9),
        ("x", 0.4, 1, "swift_hydra", 0.7),
        ("x", 0.4, 0, "extra_trees", 0.8),
        ("x", 0.4, 1, "extra_trees", 0.8),
        ("y", 0.4, 0, "swift_hydra", 0.5),
        ("y", 0.4, 0, "extra_trees", 0.6),
        ("y", 0.4, 1, "extra_trees", 0.0),  # ours is missing
    )
    means = report.summary(table)
    assert means.loc["swift_hydra", "AUC-ROC"] == pytest.approx((0.8 + 0.5) / 2)
    assert means.loc["extra_trees", "AUC-ROC"] == pytest.approx((0.8 + 0.6) / 2)
    assert means.loc["extra_trees", "rank by AUC-ROC"] == pytest.approx((1.5 + 1) / 2)


def test_the_page_says_where_the_better_forest_is_ahead(report):
    scores = {"swift_hydra": (0.9, 0.80), "extra_trees": (0.8, 0.81), "random_forest": (0.85, 0.82)}
    table = results(*((d, 0.1, 0, m, s[n]) for m, s in scores.items() for n, d in enumerate(["first", "second"])))
    page = report.page(table)
    assert "| swift_hydra | 0.8500 |" in page
    assert "below the better forest in AUC-ROC: second -0.0200." in page
    assert "| first | 0.9000 | 0.8500 | 0.8000 | 0.0500 |" in page
