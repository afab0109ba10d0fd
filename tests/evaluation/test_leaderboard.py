import io
import re

import numpy as np
import pytest
from rich.console import Console

from swift_hydra_kedro.evaluation.leaderboard import flat_metrics, leaderboard, render_leaderboard
from swift_hydra_kedro.evaluation.metrics import evaluate_scores


def entry(auc_roc, recall=0.5, fit_seconds=1.0, unseen=0.8):
    def of(share):
        return {"precision": share, "recall": share, "f1": share, "support": 10}

    return {
        "auc_roc": auc_roc,
        "auc_roc_unseen": unseen,
        "auc_pr": 0.7,
        "per_class": {"0": of(0.99), "1": of(recall)},
        "threshold": 0.2,
        "fit_seconds": fit_seconds,
        "predict_seconds": 0.1,
    }


@pytest.fixture
def metrics():
    return {
        "random_forest": entry(0.91, recall=0.75, fit_seconds=0.5),
        "swift_hydra_mome": entry(0.95, unseen=None, fit_seconds=20),
        "smote": entry(0.93),
        "data": {"n_train": 100, "n_test": 150, "n_features": 3, "anomaly_share": 0.1, "duplicate_test_share": 0.0},
    }


def rendered(table, styles=False):
    console = Console(file=io.StringIO(), width=140, force_terminal=styles, color_system="standard" if styles else None)
    console.print(table)
    return console.file.getvalue()


def line_of(text, name):
    return next(line for line in text.splitlines() if name in line)


def bold_numbers(line):
    return re.findall(r"\x1b\[1(?:;36)?m *([\d.]+)", line)


def test_methods_are_sorted_and_the_anomalies_are_reported(metrics):
    table = leaderboard(metrics)
    assert list(table.columns) == [
        "method",
        "auc_roc",
        "auc_roc_unseen",
        "auc_pr",
        "precision",
        "recall",
        "f1",
        "fit_seconds",
        "predict_seconds",
    ]
    assert list(table["method"]) == ["swift_hydra_mome", "smote", "random_forest"]
    assert list(table["recall"]) == [0.5, 0.5, 0.75]
    assert np.isnan(table["auc_roc_unseen"][0])
    assert set(table.dtypes.iloc[1:]) == {np.dtype(float)}


def test_what_evaluate_scores_gives_fits_and_null_areas_come_last():
    seen = [False] * 3
    one_class = evaluate_scores([0, 0, 0], [0.1, 0.2, 0.3], 0.5, seen, 1, 1)
    both = evaluate_scores([0, 0, 1], [0.1, 0.2, 0.3], 0.5, seen, 1, 1)
    assert list(leaderboard({"a": one_class, "b": both})["method"]) == ["b", "a"]


def test_no_methods_give_an_empty_table(metrics):
    empty = {"data": metrics["data"]}
    assert leaderboard(empty).empty
    assert render_leaderboard(empty, "nothing").row_count == 0


def test_rendering_names_people_read(metrics):
    text = rendered(render_leaderboard(metrics, "Cardio [bold] 40 %"))
    assert "Cardio [bold] 40 %" in text
    assert "Swift Hydra (MoME)" in text
    assert "SMOTE + mixture" in text
    assert "Fit (s)" in text
    assert "0.910 0.800 0.700 0.750 0.750 0.750 0.500 0.100" in " ".join(line_of(text, "Random Forest").split())
    assert line_of(text, "MoME").split()[4] == "-"


def test_the_best_of_each_column_is_bold_and_own_methods_stand_out(metrics):
    text = rendered(render_leaderboard(metrics, ""), styles=True)
    own, forest = line_of(text, "MoME"), line_of(text, "Random Forest")
    assert "\x1b[36m" in own  # cyan
    assert "\x1b[36m" not in forest
    assert bold_numbers(own) == ["0.950", "0.700", "0.100"]  # AUC-ROC, and what all share: AUC-PR, predict time
    assert bold_numbers(forest) == ["0.800", "0.700", "0.750", "0.750", "0.750", "0.500", "0.100"]


def test_flat_metrics_keep_numbers_only(metrics):
    metrics["data"] |= {"name": "cardio", "balanced": True, "odd": float("nan")}
    flat = flat_metrics(metrics)
    assert flat["swift_hydra_mome.auc_roc"] == 0.95
    assert flat["random_forest.class_1.recall"] == 0.75
    assert flat["data.n_train"] == 100
    assert "swift_hydra_mome.auc_roc_unseen" not in flat
    assert not {"data.name", "data.balanced", "data.odd"} & set(flat)
    assert {type(value) for value in flat.values()} == {float}
    assert len(flat) == 3 * 14 - 1 + 5
