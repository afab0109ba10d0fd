"""Which cells are compared, and the leaderboard, against loops that say the same one cell at a time."""

import numpy as np
import pandas as pd
import pytest

from swift_hydra_kedro.evaluation.comparison import by_train_size, compare, leaderboard, markdown


def test_only_splits_that_all_compared_methods_have_are_compared(results):
    compared = compare(results[results["train_size"] == 0.4], coverage=0.75)
    has = {
        method: {(row.dataset, row.seed) for row in cells.itertuples() if not np.isnan(row.auc_roc)}
        for method, cells in results[results["train_size"] == 0.4].groupby("method")
    }
    n_datasets = {method: len({dataset for dataset, _ in splits}) for method, splits in has.items()}
    expected = {method for method, n in n_datasets.items() if n >= 0.75 * max(n_datasets.values())}
    assert expected == {"swift_hydra", "extra_trees", "ecod", "smote"}  # dev_net failed on most
    common = set.intersection(*(has[method] for method in expected))
    assert len(common) == 11  # ecod failed on one of twelve
    cells = {(row.method, (row.dataset, row.seed)) for row in compared.results.itertuples()}
    assert cells == {(method, split) for method in expected for split in common}
    assert (compared.n_common, compared.n_splits, compared.n_datasets) == (11, 12, 6)


def test_what_is_missing_is_counted(results):
    methods = compare(results[results["train_size"] == 0.4], coverage=0.75).methods
    assert methods.loc["dev_net"].tolist() == [3, 12, 2, False]
    assert methods.loc["ecod"].tolist() == [11, 12, 6, True]


def test_where_all_methods_fail_nothing_is_compared(results):
    compared = compare(results.assign(auc_roc=np.nan), coverage=0.9)
    assert compared.results.empty
    assert not compared.methods["compared"].any()


def test_methods_without_a_common_split_have_nothing_to_compare(results):
    seeds = {"extra_trees": 0, "ecod": 1}
    part = results[results["seed"] == results["method"].map(seeds)]
    compared = compare(part, coverage=0.5)
    assert (compared.n_common, compared.n_splits) == (0, 24)


def test_the_leaderboard_is_what_loops_find(results):
    common = compare(results[results["train_size"] == 0.4], coverage=0.75).results
    board = leaderboard(common)
    cells = {(r.method, r.dataset, r.seed): r for r in common.itertuples()}
    methods, datasets = sorted({m for m, _, _ in cells}), sorted({d for _, d, _ in cells})
    mean = {
        (m, d): np.mean([r.auc_roc for (m_, d_, _), r in cells.items() if (m_, d_) == (m, d)])
        for m in methods
        for d in datasets
    }
    for m in methods:
        of_method = [r for (m_, _, _), r in cells.items() if m_ == m]
        places, wins = [], 0
        for d in datasets:
            above = sum(mean[o, d] > mean[m, d] + 5e-7 for o in methods)
            equal = sum(abs(mean[o, d] - mean[m, d]) <= 5e-7 for o in methods)
            places.append(above + (equal + 1) / 2)
            wins += above == 0
        assert board.loc[m, "auc_roc"] == pytest.approx(np.mean([mean[m, d] for d in datasets]))
        assert board.loc[m, "rank"] == pytest.approx(np.mean(places))
        assert board.loc[m, "wins"] == wins
        assert board.loc[m, "tif"] == pytest.approx(sum(r.predict_seconds for r in of_method))
        assert board.loc[m, "fit_seconds"] == pytest.approx(sum(r.fit_seconds for r in of_method))
        assert board.loc[m, "peak_memory"] == max(r.peak_memory for r in of_method)
    assert board["auc_roc"].is_monotonic_decreasing


def test_means_are_over_data_sets_whatever_their_number_of_splits():
    cells = [("a", 0, 0.2), ("a", 1, 0.4), ("b", 0, 0.9)]
    frame = pd.DataFrame(cells, columns=["dataset", "seed", "auc_roc"]).assign(method="m", train_size=0.4)
    frame = frame.assign(auc_pr=frame["auc_roc"] / 2, predict_seconds=1.0, fit_seconds=2.0, peak_memory=3)
    board = leaderboard(frame)
    assert board.loc["m", ["auc_roc", "auc_pr", "tif"]].tolist() == pytest.approx([0.6, 0.3, 3.0])


def test_learning_curves_are_over_the_same_data_sets_at_all_train_sizes(results):
    lost = (results["dataset"] == "6_cardio") & (results["train_size"] == 0.1) & (results["method"] == "extra_trees")
    means = by_train_size(results[~lost], coverage=0.75)
    assert list(means.index) == [0.1, 0.4]
    assert set(means) == {"swift_hydra", "extra_trees", "ecod", "smote"}
    assert means.attrs["n_datasets"] == 5
    kept = results[(results["method"] == "extra_trees") & (results["dataset"] != "6_cardio")]
    kept = kept[~((kept["dataset"] == "40_vowels") & (kept["seed"] == 0))]  # where ecod failed
    by_hand = kept[kept["train_size"] == 0.4].groupby("dataset")["auc_roc"].mean().mean()
    assert means.loc[0.4, "extra_trees"] == pytest.approx(by_hand)


def test_train_sizes_with_few_data_sets_are_no_part_of_the_learning_curves(results):
    few = results[results["dataset"] == "6_cardio"].assign(train_size=0.8)
    means = by_train_size(pd.concat([results, few]), coverage=0.75)
    pd.testing.assert_frame_equal(means, by_train_size(results, coverage=0.75))


def test_a_method_with_fewer_seeds_leaves_the_others_its_seeds(results):
    one_seed = results[(results["method"] != "smote") | (results["seed"] == 0)]
    compared = compare(one_seed[one_seed["train_size"] == 0.1], coverage=0.75)
    assert set(compared.results["seed"]) == {0}
    assert "smote" in set(compared.results["method"])


def test_markdown_has_a_line_per_row_and_leaves_gaps_empty():
    table = pd.DataFrame({"x": [0.5, np.nan], "n": [1, 2]}, index=pd.Index(["a", "b"], name="method"))
    lines = ["| method | x | n |", "| --- | --- | --- |", "| a | 0.5000 | 1 |", "| b |  | 2 |"]
    assert markdown(table).splitlines() == lines
