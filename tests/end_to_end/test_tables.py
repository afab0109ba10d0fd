"""Full runs on tables of the user's own, on ADBench, and without synthesis."""

import multiprocessing
import os

import numpy as np
import pandas as pd
import plotly.express as px
import pytest
from scipy.special import logit

from swift_hydra_kedro.data.table import LABEL


@pytest.fixture(scope="module")
def tips(workshop):
    """Restaurant bills, Friday's (8 %) as anomalies: text and numbers, some missing; the run's parameters."""
    table = px.data.tips()
    table["friday"] = np.where(table["day"] == "Fri", "yes", "no")
    table.loc[::17, "tip"] = np.nan
    table.loc[5::23, "smoker"] = None
    table.insert(0, "bill", [f"b{i}" for i in range(len(table))])
    parameters = workshop.write_table(
        "tips",
        table.drop(columns="day"),
        label="friday",
        positive_label="yes",
        id_columns=["bill"],
        categorical_columns=["size"],
    )
    workshop.run(**parameters)
    return parameters


def test_mixed_table_with_missing_values_runs_to_the_end(workshop, tips):
    assert (workshop.files("08_reporting", "tips") / "report.html").is_file()
    assert workshop.load("metrics", **tips)["data"]["n_features"] == 6


def test_new_rows_are_scored_with_their_ids(workshop, tips, tmp_path):
    source = pd.read_csv(workshop.folder / "data/01_raw/tips.csv")
    new, out = tmp_path / "new.csv", tmp_path / "scores.csv"
    rows = source.drop(columns="friday")[::-1].astype({"tip": object})
    rows.iloc[7, rows.columns.get_loc("tip")] = "much"
    rows.to_csv(new, index=False)
    workshop.run("scoring", **tips, input=str(new), output=str(out))
    scores, rejects = pd.read_csv(out), pd.read_csv(tmp_path / "scores.rejects.csv")
    assert rejects[["row", "bill", "reason"]].to_numpy().tolist() == [
        [7, rows["bill"].iloc[7], "column 'tip' must be a number and is 'much'"]
    ]
    assert scores["bill"].tolist() == rows["bill"].drop(rows.index[7]).tolist()
    test, own = workshop.load("test_table", "own_scores", **tips)
    expected = pd.Series(own["swift_hydra_mome"].to_numpy(), index=test["__id__bill"])
    found = scores.set_index("bill")["score"]
    common = [bill for bill in expected.index if bill in found.index]
    assert len(common) >= len(expected) - 1
    np.testing.assert_allclose(found[common], expected[common], rtol=1e-5)
    report = workshop.load("scoring_report", **tips)
    assert report["n_rows"] == len(scores) == sum(report["score_histogram"])
    assert report["n_anomalies"] == scores["is_anomaly"].sum()


def test_a_dask_cluster_gives_the_same_scores_and_is_closed(workshop, tips, tmp_path):
    local, dask = tmp_path / "local.parquet", tmp_path / "dask.parquet"
    workshop.run("scoring", **tips, output=str(local))
    workshop.run("scoring", **tips, output=str(dask), scoring={"engine": "dask"})
    assert dask.read_bytes() == local.read_bytes()
    assert multiprocessing.active_children() == []


def test_alerts_among_new_rows_are_explained_beside_their_scores(workshop, tips, tmp_path):
    source = pd.read_csv(workshop.folder / "data/01_raw/tips.csv")
    new, out = tmp_path / "new.csv", tmp_path / "scores.parquet"
    source.drop(columns="friday").to_csv(new, index=False)
    files = {"input": str(new), "output": str(out), "scoring": {"threshold": 0.05}}
    with workshop.session(**tips, **files, explanation={"pairs": 5, "max_alerts": 12}) as session:
        session.run(pipeline_names=["scoring", "explanation"])
    scores, alerts = pd.read_parquet(out), pd.read_csv(tmp_path / "scores.alerts.csv")
    highest = scores[scores["is_anomaly"]].nlargest(12, "score")
    assert len(highest) > 1
    assert alerts["bill"].tolist() == highest["bill"].tolist()
    contributions = alerts.filter(like="contribution.")
    np.testing.assert_allclose(alerts["base"] + contributions.sum(axis=1), logit(highest["score"]), atol=1e-6)
    assert len(contributions.columns) == 6
    train = workshop.load("train_table", **tips)
    nearest = train.loc[alerts["anomaly_1.row"]]
    assert (nearest[LABEL] == 1).all()
    assert nearest["__id__bill"].tolist() == alerts["anomaly_1.id.bill"].tolist()
    assert alerts["bill"][0] in (tmp_path / "scores.alerts.html").read_text()
    run = workshop.tracked()[0].info.run_id
    logged = {entry.path for folder in ("tables", "figures") for entry in workshop.client().list_artifacts(run, folder)}
    assert {"tables/scores.alerts.csv", "figures/scores.alerts.html"} <= logged


def test_scores_of_another_input_are_not_taken_up(workshop, tips, tmp_path):
    inputs = [tmp_path / "monday.csv", tmp_path / "tuesday.csv"]
    for path in inputs:
        path.write_bytes((workshop.folder / "data/01_raw/tips.csv").read_bytes())
    output, again = str(tmp_path / "scores.parquet"), {"only_missing_outputs": True}
    workshop.run("scoring", **tips, output=output, input=str(inputs[0]))
    workshop.run("scoring", only=again, **tips, output=output, input=str(inputs[0]))
    with pytest.raises(ValueError, match=r"'score_new_rows' were made with new_rows = .*monday.*now .*tuesday"):
        workshop.run("scoring", only=again, **tips, output=output, input=str(inputs[1]))


def drift_of(project, parameters, caplog, **files):
    """The report, what was logged, and the run's metrics in MLflow, of new rows scored."""
    caplog.clear()
    project.run("scoring", **parameters, **files)
    warnings = [record.getMessage() for record in caplog.records if record.name.endswith("drift_nodes")]
    return project.load("drift_report", **parameters), warnings, project.tracked()[0]


def test_without_a_name_of_new_rows_the_test_rows_are_scored_and_are_like_those_of_training(workshop, tips, caplog):
    report, warnings, run = drift_of(workshop, tips, caplog)
    test, scores = workshop.load("test_table", "scores_of_new_rows", **tips)
    assert report["n_rows"] == scores.n_rows == len(test)
    assert (report["level"], report["drifted"], warnings) == ("none", [], [])
    assert report["score"]["psi"] == report["score"]["ks"] == 0  # the model knows just these scores
    assert run.data.metrics["drift.n_drifted"] == 0


def test_a_shifted_column_is_named_in_report_log_and_metrics(workshop, tips, caplog, tmp_path):
    new, out = tmp_path / "new.csv", tmp_path / "scores.csv"
    rows = pd.read_csv(workshop.folder / "data/01_raw/tips.csv").astype({"tip": object})
    rows["total_bill"] += 20
    rows.loc[7, "tip"] = "much"  # a row that cannot be scored
    rows.to_csv(new, index=False)
    report, (warning,), run = drift_of(workshop, tips, caplog, input=str(new), output=str(out))
    assert (report["level"], report["drifted"][0]) == ("strong", "total_bill")
    assert report["n_rows"] == len(rows) - 1
    psi = report["columns"]["total_bill"]["psi"]
    assert f"column 'total_bill' (PSI {psi:.2f})" in warning
    assert run.data.metrics["drift.psi.total_bill"] == run.data.metrics["drift.largest_psi"] == psi
    assert run.data.metrics["drift.score_psi"] == report["score"]["psi"]
    assert {"size", "smoker", "time"} < set(report["columns"])
    assert run.info.status == "FINISHED"
    bars = workshop.load("figure_drift", **tips).data[0]
    assert bars.y[0] == "total_bill"


def test_synthetic_rows_of_a_mixed_table_hold_its_own_categories(workshop, tips):
    table, synthetic = workshop.load("train_table", "synthetic_anomalies", **tips)
    for name in ("sex", "smoker", "time", "size"):
        assert set(synthetic[name].dropna().astype(str)) <= set(table[name].dropna().astype(str))


def test_ids_are_kept_beside_the_rows_and_are_no_feature(workshop, tips):
    train, preprocessor = workshop.load("train_table", "preprocessor", **tips)
    assert train["__id__bill"].is_unique
    assert "bill" not in preprocessor["columns"]


@pytest.fixture(scope="module")
def one_anomaly(workshop):
    """A training part with a single labelled anomaly; the run's parameters."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 3))
    rows[:4] += 3
    table = pd.DataFrame(rows, columns=["a", "b", "c"]).assign(y=(np.arange(60) < 4).astype(int))
    parameters = workshop.write_table("one_anomaly", table) | {"train_size": 0.25}
    workshop.run(**parameters)
    return parameters


def test_one_labelled_anomaly_is_enough_to_run_to_the_end(workshop, one_anomaly):
    train, metrics = workshop.load("train_table", "metrics", **one_anomaly)
    assert train[LABEL].sum() == 1
    assert np.isfinite(metrics["swift_hydra_mome"]["auc_roc"])


def test_one_labelled_anomaly_still_gives_synthetic_ones(workshop, one_anomaly):
    synthetic = workshop.load("synthetic_anomalies", **one_anomaly)
    assert len(synthetic) == 16
    assert synthetic.drop_duplicates(["a", "b", "c"]).shape == synthetic.shape


@pytest.fixture(scope="module")
def without_synthesis(workshop):
    parameters = {"dataset": "breast_cancer", "synthesis": {"enabled": False}}
    workshop.run(**parameters)
    return parameters


def test_a_run_without_synthesis_comes_to_its_end(workshop, without_synthesis):
    reporting = workshop.files("08_reporting", "breast_cancer")
    assert (reporting / "report.html").is_file()
    assert len(list((reporting / "figures").glob("*.json"))) == 9


def test_a_run_without_synthesis_makes_no_anomalies_and_no_episodes(workshop, without_synthesis):
    synthetic, history = workshop.load("synthetic_anomalies", "synthesis_history", **without_synthesis)
    assert (len(synthetic), len(history)) == (0, 0)


def test_without_synthesis_the_mixture_is_the_ablation_among_the_baselines(workshop, without_synthesis):
    scores = workshop.load("scores", **without_synthesis)
    assert scores["swift_hydra_mome"].corr(scores["swift_hydra_no_synthesis"], method="spearman") > 0.5


def test_a_table_with_a_time_column_trains_on_the_earlier_rows(workshop, caplog):
    bills = px.data.tips().assign(booked=pd.date_range("2024-01-01", periods=244)[::-1].astype(str))
    bills["friday"] = (bills.pop("day") == "Fri").astype(int)
    parameters = workshop.write_table("booked", bills, label="friday", time_column="booked")
    with workshop.session(**parameters) as session:
        session.run(pipeline_names=["ingestion", "preparation"])
    train, test, report = workshop.load("train_table", "test_table", "split_report", **parameters)
    assert train["__id__booked"].max() < report["tested_from"] == test["__id__booked"].min() == "2024-04-07"
    assert "rows test from 2024-04-07 on, by 'booked'; earlier ones train, and 0 later ones" in caplog.text
    assert "booked" not in train


@pytest.mark.skipif(not os.environ.get("ADBENCH_MIRROR"), reason="ADBENCH_MIRROR names no source of ADBench files")
def test_cardiotocography_from_the_mirror_runs_to_the_end(workshop):
    workshop.run(dataset="7_Cardiotocography", train_size=0.4)
    metrics = workshop.load("metrics", dataset="7_Cardiotocography", train_size=0.4)
    assert metrics["data"] | {"duplicate_test_share": 0} == {
        "n_train": 845,
        "n_test": 1269,
        "n_features": 21,
        "anomaly_share": pytest.approx(0.2201, abs=1e-3),
        "duplicate_test_share": 0,
    }
    assert metrics["swift_hydra_mome"]["auc_roc"] > 0.8
    assert list((workshop.folder / "data/01_raw").rglob("7_Cardiotocography.npz"))
