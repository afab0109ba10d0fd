"""The files that a full run leaves: scripts and people rely on them."""

import html.parser
import json
import math

import pandas as pd
import plotly.io
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from swift_hydra_kedro.config import DecisionConfig, EvaluationConfig
from swift_hydra_kedro.data.table import LABEL, LabelledTable
from swift_hydra_kedro.pipelines.detection.nodes import assemble_model

OWN = ["swift_hydra_mome", "swift_hydra_single"]
BASELINES = list(EvaluationConfig().baselines)
FIGURES = [
    "anomalies_by_episode",
    "decision_regions",
    "invalid_share",
    "losses",
    "precision_recall",
    "reward_and_auc",
    "roc",
    "rows_per_expert",
    "trade_off",
]
HISTORY = [
    "mean_reward",
    "entropy_term",
    "evasion_term",
    "invalid_share",
    "detector_auc_roc",
    "entropy",
    "approx_kl",
    "clip_fraction",
    "seconds",
]


@pytest.fixture(scope="module")
def reporting(finished):
    return finished.files("08_reporting")


@pytest.fixture(scope="module")
def metrics(reporting):
    return json.loads((reporting / "metrics.json").read_text())


@pytest.fixture(scope="module")
def synthetic(finished):
    return pd.read_csv(finished.files("07_model_output") / "synthetic_anomalies.csv")


def test_metrics_name_both_swift_hydras_all_baselines_and_the_data(metrics):
    assert set(metrics) == {*OWN, *BASELINES, "data"}


@pytest.mark.parametrize("method", OWN + BASELINES)
def test_metrics_of_a_method_keep_the_contract(metrics, method):
    values = metrics[method]
    numbers = {"auc_roc", "auc_roc_unseen", "auc_pr", "threshold", "fit_seconds", "predict_seconds"}
    assert set(values) == numbers | {"per_class"}
    assert all(isinstance(values[name], float) and math.isfinite(values[name]) for name in numbers)
    assert all(0 <= values[name] <= 1 for name in ("auc_roc", "auc_roc_unseen", "auc_pr"))
    assert set(values["per_class"]) == {"0", "1"}
    for one in values["per_class"].values():
        assert set(one) == {"precision", "recall", "f1", "support"}
        assert all(0 <= one[name] <= 1 for name in ("precision", "recall", "f1"))


def test_metrics_of_the_data_are_those_of_the_split(metrics, finished):
    train, test = finished.load("train_table", "test_table")
    data = metrics["data"]
    assert (data["n_train"], data["n_test"], data["n_features"]) == (683, 1025, 16)
    assert (len(train), len(test)) == (683, 1025)
    assert data["anomaly_share"] == pytest.approx(train[LABEL].mean())
    assert 0 <= data["duplicate_test_share"] < 0.1


def test_support_counts_the_test_rows_of_each_class(metrics, finished):
    label = finished.load("test_table")[LABEL]
    for method in OWN + BASELINES:
        supports = [metrics[method]["per_class"][c]["support"] for c in ("0", "1")]
        assert supports == label.value_counts().sort_index().tolist()


def test_areas_are_those_of_the_scores_that_were_saved(metrics, finished):
    scores = finished.load("scores")
    for method in OWN + BASELINES:
        assert metrics[method]["auc_roc"] == pytest.approx(roc_auc_score(scores["label"], scores[method]))
        assert metrics[method]["auc_pr"] == pytest.approx(average_precision_score(scores["label"], scores[method]))


def test_own_scores_are_cut_at_the_configured_threshold_and_baselines_at_a_matched_one(metrics):
    assert {metrics[name]["threshold"] for name in (*OWN, "swift_hydra_no_synthesis", "smote")} == {0.2}
    assert metrics["isolation_forest"]["threshold"] != 0.2


def test_the_decision_says_what_the_threshold_gives(reporting, finished):
    report = json.loads((reporting / "decision.json").read_text())
    curve = pd.read_csv(reporting / "trade_off.csv")
    assert (report["rule"], report["threshold"], report["reached"]) == ("threshold", 0.2, True)
    assert 0 < report["n_anomalies"] < report["n_rows"] <= 683
    lowest_above = curve[curve["threshold"] >= 0.2].iloc[-1]
    first_below = curve[curve["threshold"] < 0.2].iloc[0]
    assert lowest_above["recall"] <= report["expected"]["recall"] <= first_below["recall"]
    assert finished.load("model").state["threshold"] == 0.2


def test_another_rule_needs_no_training(finished):
    inputs = finished.load("mixture", "preprocessor", "profile", "reference", "out_of_bag")
    model, curve, report = assemble_model(*inputs, DecisionConfig(rule="recall", recall=1.0))
    assert report["expected"]["recall"] == 1
    assert model.state["threshold"] == curve[curve["recall"] == 1]["threshold"].iloc[0]


@pytest.mark.parametrize("name", FIGURES)
def test_figure_is_plotly_json_with_data(reporting, name):
    figure = plotly.io.from_json((reporting / f"figures/{name}.json").read_text())
    assert len(figure.data) > 0


def test_no_other_figures_are_there(reporting):
    assert sorted(path.stem for path in (reporting / "figures").iterdir()) == FIGURES


class Page(html.parser.HTMLParser):
    """The values of all tags' attributes, by attribute."""

    def __init__(self, text):
        super().__init__()
        self.values = {"id": set(), "src": set(), "href": set()}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            self.values.setdefault(name, set()).add(value)


@pytest.fixture(scope="module")
def page(reporting):
    return Page((reporting / "report.html").read_text())


def test_report_page_holds_every_figure(page):
    assert {f"figure-{i}" for i in range(1, len(FIGURES) + 1)} <= page.values["id"]


def test_report_page_loads_nothing_from_a_network(page):
    assert page.values["src"] | page.values["href"] == set()


def test_synthetic_anomalies_open_in_the_tables_columns(synthetic, finished):
    features = LabelledTable.from_frame(finished.load("train_table")).features
    reasons = ["synthetic_episode", "synthetic_reward", "synthetic_entropy", "synthetic_evasion", "synthetic_outside"]
    assert list(synthetic.columns) == [*features.columns, *reasons]
    assert synthetic.notna().all(axis=None)


def test_synthetic_anomalies_are_the_best_of_each_episode(synthetic):
    assert synthetic["synthetic_episode"].value_counts().to_dict() == {1: 8, 2: 8}


def test_synthetic_anomalies_lie_where_the_tables_values_lie(synthetic, finished):
    features = LabelledTable.from_frame(finished.load("train_table")).features
    spread = features.std()
    inside = (synthetic[features.columns] - features.mean()).abs() <= 10 * spread + 1
    assert inside.all(axis=None)


def test_reward_is_the_decayed_entropy_plus_the_evasion(synthetic):
    discount = 0.95 ** synthetic["synthetic_episode"]
    expected = discount * synthetic["synthetic_entropy"] + synthetic["synthetic_evasion"]
    assert synthetic["synthetic_reward"].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-4)


def test_synthesis_history_has_a_row_for_each_episode(reporting):
    history = pd.read_csv(reporting / "synthesis_history.csv")
    assert history["episode"].tolist() == [1, 2]
    assert set(HISTORY) <= set(history.columns)
    assert history[HISTORY].notna().all(axis=None)


def test_every_expert_has_a_row_and_the_shares_sum_to_one(reporting):
    rows = pd.read_csv(reporting / "rows_per_expert.csv")
    assert rows["expert"].tolist() == [0, 1, 2, 3]
    assert rows[["train_share", "test_share"]].sum().tolist() == pytest.approx([1, 1])


def test_nothing_is_pickled(finished):
    suffixes = {path.suffix for path in finished.folder.rglob("*") if path.is_file()}
    assert suffixes.isdisjoint({".pkl", ".pickle", ".pt", ".pth", ".joblib", ".bin"})


def test_nothing_is_written_into_the_working_directory(finished):
    assert list(finished.elsewhere.iterdir()) == []
