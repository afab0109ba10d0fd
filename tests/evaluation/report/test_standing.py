import numpy as np
import pandas as pd
import pytest

from swift_hydra_kedro.evaluation.report.standing import (
    compared_in_words,
    failures,
    provenance,
    standings,
)
from swift_hydra_kedro.evaluation.statistics import against


def test_each_train_size_has_its_standing(found):
    assert list(found) == [0.4, 0.1]
    standing = found[0.4]
    assert standing.reference == "swift_hydra"
    pd.testing.assert_frame_equal(standing.tests, against(standing.table, "swift_hydra"))
    assert set(standing.board.index) == set(standing.table) == set(standing.p)


def test_settings_of_figure_7_are_not_ranked(found):
    assert not any("_kl_" in name for standing in found.values() for name in standing.board.index)


def test_the_train_size_with_most_data_sets_comes_first(results):
    few = results[(results["train_size"] != 0.4) | (results["dataset"] == "6_cardio")]
    assert list(standings(few, 0.75)) == [0.1, 0.4]


def test_without_ours_the_best_is_the_reference(results):
    standing = standings(results[results["method"] != "swift_hydra"], 0.75)[0.4]
    assert standing.reference == standing.board["auc_roc"].idxmax()


def test_words_say_how_many_and_who_is_missing(found):
    text = compared_in_words(found[0.4].compared)
    assert text.startswith("4 methods on 6 data sets, 11 of 12 splits: ")
    assert text.endswith("Not compared, for too few data sets: DevNet (2).")


def test_without_any_result_the_error_says_what_to_do(results):
    with pytest.raises(ValueError, match="kedro run --pipeline=benchmark"):
        standings(results.assign(auc_roc=np.nan), 0.9)


def test_one_method_on_one_data_set_has_a_standing(results):
    one = results[(results["method"] == "ecod") & (results["dataset"] == "6_cardio")]
    standing = standings(one, 0.9)[0.4]
    assert standing.board.index.tolist() == ["ecod"]
    assert standing.tests.empty
    assert np.isnan(standing.friedman)


def test_a_train_size_at_which_all_failed_has_an_empty_standing(results):
    failed = results.copy()
    failed.loc[failed["train_size"] == 0.1, "auc_roc"] = np.nan
    standing = standings(failed, 0.9)[0.1]
    assert standing.reference is None
    assert standing.board.empty


def test_failures_are_all_cells_with_an_error(results):
    assert len(failures(results)) == results["auc_roc"].isna().sum()


def test_provenance_tells_versions_and_mixed_configurations(results):
    text = provenance(results)
    assert f"with version 0.1.0 ({len(results)} cells)." in text
    assert "more than one configuration" not in text
    mixed = results.assign(config=results["config"].mask(results.index < 3, "other"))
    assert "configuration: ECOD, Extra Trees, Swift Hydra." in provenance(mixed)
