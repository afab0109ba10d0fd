"""The paper's figures as data: they are all there, its contradictions are real, and ours stand beside them."""

import re

import numpy as np
import pandas as pd
import pytest

from swift_hydra_kedro.data import adbench
from swift_hydra_kedro.evaluation.paper.beside import beside_datasets, beside_means
from swift_hydra_kedro.evaluation.paper.printed import N_DATASETS, TABLES, doubts, means, per_dataset

SETS = {stem: adbench.entry(stem).dataset for stem in adbench.stems()}


@pytest.fixture(scope="module")
def table_9():
    return per_dataset()


@pytest.mark.parametrize("table", TABLES)
def test_every_method_has_all_four_train_sizes(table):
    printed = means(table)
    assert set(printed.groupby(["method", "ours"])["train_size"].agg(tuple)) == {(0.4, 0.3, 0.2, 0.1)}
    assert printed["auc_roc"].between(0.5, 1).all()
    assert (printed["tif"] > 0).all()


def test_table_9_names_the_data_sets_that_adbench_has(table_9):
    assert set(table_9["dataset"]) == set(SETS.values())
    assert table_9.groupby("method")["dataset"].nunique().tolist() == [N_DATASETS] * 4


def test_swift_hydras_figures_are_the_same_in_all_tables_but_for_rounding():
    one = means(1).query("ours == 'swift_hydra'").set_index("train_size")
    for table in set(TABLES) - {1}:
        other = means(table).query("ours == 'swift_hydra'").set_index("train_size")
        assert (one[["auc_roc", "tif"]] - other[["auc_roc", "tif"]]).abs().max().max() <= 0.0051


def test_the_means_of_table_9_are_not_those_of_table_1(table_9):
    ((text,),) = doubts(1)[["says"]].to_numpy().tolist()
    printed = means(1).query("train_size == 0.4").set_index("method")["auc_roc"]
    told = dict(zip(("Swift Hydra (MoME)", "DTE", "Rejex", "ADGym"), re.findall(r"(0\.\d{3}) \(", text), strict=True))
    for method, mean in table_9.groupby("method")["auc_roc"].mean().items():
        assert float(told[method]) == pytest.approx(mean, abs=5.1e-4)
        assert abs(mean - printed[method].mean()) > 0.02


@pytest.mark.parametrize("dataset", ["MNIST-C", "MVTec-AD"])
def test_two_rows_of_table_9_are_those_of_yeast(table_9, dataset):
    rows = table_9[table_9["dataset"] == dataset].drop(columns="dataset").reset_index(drop=True)
    yeast = table_9[table_9["dataset"] == "yeast"].drop(columns="dataset").reset_index(drop=True)
    pd.testing.assert_frame_equal(rows, yeast)
    assert dataset in set(doubts(9)["dataset"])


def test_no_other_rows_of_table_9_are_alike(table_9):
    whole = table_9.pivot(index="dataset", columns="method", values=list(table_9.columns[2:]))
    assert set(whole.index[whole.duplicated(keep=False)]) == {"yeast", "MNIST-C", "MVTec-AD"}


def test_f1_of_adgym_is_not_that_of_its_precision_and_recall(table_9):
    precision, recall, f1 = (table_9[f"{name}_anomaly"] for name in ("precision", "recall", "f1"))
    half = 0.005 + 1e-9  # of the last digit

    def harmonic(p, r):
        return 2 * p * r / np.maximum(p + r, 1e-12)

    low = harmonic((precision - half).clip(0), (recall - half).clip(0)) - half
    high = harmonic(precision + half, recall + half) + half
    wrong = table_9[(f1 < low) | (f1 > high)]["method"].value_counts()
    assert wrong["ADGym"] == 28
    assert wrong.drop("ADGym").sum() == 2
    assert "on 28 of 57" in doubts(9).query("method == 'ADGym'")["says"].item()


def test_one_support_is_of_a_part_of_its_data_set(table_9):
    support = table_9.query("dataset == '20newsgroups'")[["support_normal", "support_anomaly"]].sum(axis=1)
    assert set(support) == {826}


def test_tables_5_and_6_differ_in_one_inference_time():
    five, six = (
        means(table).query("method == 'Swift Hydra (Transformer)'").set_index("train_size") for table in (5, 6)
    )
    apart = five["tif"] != six["tif"]
    assert dict(zip(five.index, apart, strict=True)) == {0.4: False, 0.3: False, 0.2: False, 0.1: True}
    assert (five.loc[0.1, "tif"], six.loc[0.1, "tif"]) == (10.36, 8.36)


def test_means_stand_beside_ours_of_common_splits(results):
    beside = beside_means(results.replace({"method": {"extra_trees": "rejex"}}), 1, SETS, coverage=0.9)
    ours = beside.query("ours == 'swift_hydra' and train_size == 0.4").iloc[0]
    cells = results.query("method == 'swift_hydra' and train_size == 0.4")
    by_set = cells.groupby(cells["dataset"].str.replace(r"_[04]$", "", regex=True))["auc_roc"].mean()  # one CIFAR10
    assert ours["mean"] == pytest.approx(by_set.mean())
    assert (ours["n_datasets"], ours["n_splits"]) == (5, 12)
    assert ours["difference"] == pytest.approx(ours["mean"] - 0.93)
    assert (ours["tif"], ours["paper_tif"]) == (1, 1)
    same = per_dataset().query(
        "method == 'Swift Hydra (MoME)' and dataset in ['cardio', 'vowels', 'annthyroid', 'Pima', 'CIFAR10']"
    )
    assert ours["paper_same"] == pytest.approx(same["auc_roc"].mean())
    seconds = results.query("train_size == 0.4").groupby("method")["predict_seconds"].sum()
    rejex = beside.query("ours == 'rejex' and train_size == 0.4").iloc[0]
    assert rejex["tif"] == pytest.approx(seconds["extra_trees"] / seconds["swift_hydra"])
    assert rejex["paper_tif"] == pytest.approx(3.89 / 4.01)


def test_data_sets_that_the_paper_has_not_do_not_count(results):
    own = results.replace({"dataset": {"6_cardio": "digits"}})
    beside = beside_means(own, 1, SETS, coverage=0.9).query("ours == 'swift_hydra' and train_size == 0.4").iloc[0]
    assert (beside["n_datasets"], beside["n_splits"]) == (4, 10)
    assert "digits" not in set(beside_datasets(own, SETS)["dataset"])


def test_what_we_have_not_measured_is_empty(results):
    beside = beside_means(results, 1, SETS, coverage=0.9)
    assert beside.query("ours != 'swift_hydra'")["mean"].isna().all()
    assert beside.query("train_size == 0.2")["n_datasets"].tolist() == [0] * 6
    assert beside.query("train_size == 0.1")["paper_same"].isna().all()
    assert list(beside["train_size"].head(4)) == [0.4, 0.3, 0.2, 0.1]


def test_table_9_stands_beside_each_of_our_data_sets(results):
    beside = beside_datasets(results, SETS)
    assert set(beside["ours"]) == {"swift_hydra"}
    line = beside.query("dataset == 'CIFAR10' and metric == 'auc_roc'").iloc[0]
    cells = results.query("method == 'swift_hydra' and train_size == 0.4")
    assert line["mean"] == pytest.approx(cells[cells["dataset"].str.startswith("CIFAR10")]["auc_roc"].mean())
    assert (line["paper"], line["n_splits"]) == (per_dataset().query("dataset == 'CIFAR10'")["auc_roc"].iloc[-1], 4)
    f1 = beside.query("dataset == 'cardio' and metric == 'f1_anomaly'").iloc[0]
    assert f1["mean"] == pytest.approx(cells.query("dataset == '6_cardio'")["f1_1"].mean())
    assert not beside["doubtful"].any()


def test_doubtful_rows_are_marked(results):
    copied = results.replace({"dataset": {"6_cardio": "MVTec-AD_bottle"}, "method": {"extra_trees": "adgym_search"}})
    beside = beside_datasets(copied, SETS)
    doubtful = beside[beside["doubtful"]]
    assert set(doubtful["dataset"]) == set(beside["dataset"])
    assert set(doubtful.query("dataset != 'MVTec-AD'")["metric"]) == {"f1_anomaly"}
    assert set(doubtful.query("dataset != 'MVTec-AD'")["method"]) == {"ADGym"}
    assert beside.query("dataset == 'MVTec-AD'")["doubtful"].all()
