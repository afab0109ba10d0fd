"""The page of the gate's benchmark: what is subtracted from what, speeds as ratios, and whose busiest expert counts."""

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def mixture(benchmark_module):
    return benchmark_module("mixture")


def results(mixture, dataset: str, auc_roc: dict[str, float], speed: float, busiest: float, n_clusters: int):
    table = pd.DataFrame({"method": mixture.METHODS}).assign(dataset=dataset, train_size=0.4, seed=0, auc_pr=0.5)
    gated = table["method"].str.startswith("top")
    return table.assign(
        auc_roc=table["method"].map(auc_roc).fillna(0.8),
        rows_per_second=np.where(table["method"] == "top 2", speed * 1000, 1000),
        largest_share=np.where(gated, busiest, np.nan),
        n_clusters=n_clusters,
    )


def row(page: str, method: str) -> list[str]:
    lines = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith(f"| {method} ")]
    assert len(lines) == 1
    return lines[0][1:]


def test_the_page_holds_each_method_against_the_mean_of_all(mixture):
    page = mixture.page(
        pd.concat(
            [
                results(mixture, "a", {"top 2": 0.9, "mean of all": 0.91}, 2, 0.2, n_clusters=3),
                results(mixture, "b", {"top 2": 0.7, "mean of all": 0.72}, 8, 0.3, n_clusters=2),
                results(mixture, "c", {"top 2": 0.8, "mean of all": 0.80}, 4, 0.9, n_clusters=1),
            ]
        )
    )
    assert "## 40% of the rows in training: 3 data sets" in page
    assert row(page, "top 2") == ["0.8000", "-0.0100", "0.5000", "4.0000", "0.2500", "0.3000"]
    assert row(page, "mean of all")[:4] == ["0.8100", "0.0000", "0.5000", "1.0000"]


def test_speed_is_that_of_the_best_of_three_tries_on_enough_rows(mixture, monkeypatch):
    clock = iter([0.0, 3.0, 3.0, 4.0, 4.0, 6.0])
    monkeypatch.setattr(mixture.time, "perf_counter", lambda: next(clock))
    scored = []
    assert mixture.rows_per_second(lambda rows: scored.append(len(rows)), np.zeros((300, 2))) == 10_200
    assert scored == [10_200] * 3
