"""The page of MixAnN's benchmark: what is set beside the paper's figures, and how means are taken."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from swift_hydra_kedro.baselines.mixann.classifiers import make_classifier


@pytest.fixture
def mixann(benchmark_module):
    return benchmark_module("mixann")


def results(*records):
    table = pd.DataFrame(records, columns=["dataset", "seed", "method", "f1"])
    return table.assign(precision=table["f1"] / 2, recall=table["f1"] / 4)


def test_the_paper_s_figures_are_those_of_its_tables(mixann):
    paper = mixann.printed()
    assert paper.groupby("table").size().to_dict() == {2: 9 * 3 * 7, 3: 5 * 7, 4: 4}
    assert paper[["precision", "recall", "f1"]].stack().between(0, 1).all()
    smtp = paper.query("table == 2 and classifier == 'xgboost' and method == 'adasyn' and set == 'smtp'")
    assert smtp[["precision", "recall", "f1"]].to_numpy().tolist() == [[0.50, 0.77, 0.35]]


def test_cells_are_printed_ours_and_difference(mixann):
    table = results(
        ("40_vowels", 0, "none__knn", 0.6),
        ("40_vowels", 1, "none__knn", 0.8),
        ("40_vowels", 0, "cbo__knn", 0.9),
        ("2_annthyroid", 0, "mixann__knn", 0.75),
    )
    page = mixann.page(table, mixann.printed())
    assert "| without augmentation | 0.82, 0.70 (-0.12) |  |" in page
    assert "| CBO | 0.90 |  |" in page
    assert "| MixAnN |  | 0.75, 0.75 (+0.00) |" in page
    assert "Table 3" not in page
    assert "Table 4" not in page


def test_two_files_of_one_set_count_alike_however_many_seeds_each_has(mixann):
    table = results(
        ("CIFAR10_0", 0, "smote__mlp", 0.6), ("CIFAR10_0", 1, "smote__mlp", 0.6), ("CIFAR10_4", 0, "smote__mlp", 0.8)
    )
    found = mixann.means(table)
    assert found[["method", "classifier", "set"]].to_numpy().tolist() == [["smote", "mlp", "cifar10"]]
    assert found["f1"].tolist() == pytest.approx([0.7])


def test_detectors_and_ablations_have_tables_of_their_own(mixann):
    table = results(
        ("40_vowels", 0, "dev_net", 0.9),
        ("40_vowels", 0, "mixann_random__knn", 0.5),
        ("40_vowels", 0, "mixann__knn", 0.9),
    )
    page = mixann.page(table, mixann.printed())
    assert "| DevNet | 0.93, 0.90 (-0.03) |" in page.split("## Table 3")[1]
    assert "| random reward | 0.66, 0.50 (-0.16) |" in page.split("## Table 4")[1]
    assert "| random reward |" not in page.split("## Table 3")[0]


@pytest.mark.parametrize("classifier", ["knn", "xgboost"])
def test_no_threshold_is_better_for_the_test_rows_than_the_best(mixann, classifier):
    rng = np.random.default_rng(0)
    y = (np.arange(300) % 10 == 0).astype(int)
    x = rng.normal(size=(300, 2)) + y[:, None]
    found = mixann.at_best_threshold(classifier, x[:200], y[:200], x[200:], y[200:], 0)
    probability = make_classifier(classifier, 200, 0).fit(x[:200], y[:200]).predict_proba(x[200:])[:, 1]
    every = [f1_score(y[200:], probability >= t, average="macro") for t in np.linspace(0, 1, 1001)]
    assert found["f1"] == pytest.approx(max(every), abs=1e-3)
