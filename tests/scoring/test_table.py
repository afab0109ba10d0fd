"""Scores of tables of any size are those of the model, row by row, and no row is lost."""

import numpy as np
import pandas as pd
import pytest

from swift_hydra_kedro.config import ScoringConfig
from swift_hydra_kedro.data.checkpoint import name_of
from swift_hydra_kedro.data.stream import TableStream
from swift_hydra_kedro.pipelines.scoring.nodes import summarise_scores
from swift_hydra_kedro.scoring.table import Scoring, path_of_rejects, write_scores

SMALL = ScoringConfig(chunk_rows=17, chunk_bytes=1024)


def write(rows, path):
    rows.to_parquet(path) if path.suffix == ".parquet" else rows.to_csv(path, index=False)
    return TableStream(str(path))


def scores_of(model, table, out, key=("name",), **changes):
    write_scores(Scoring.of(model, table, key, SMALL.model_copy(update=changes)), str(out))
    return pd.read_parquet(out) if out.suffix == ".parquet" else pd.read_csv(out)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_scores_are_those_of_the_table_at_once(scorer, model, rows, tmp_path, suffix):
    found = scores_of(model, write(rows, tmp_path / f"in{suffix}"), tmp_path / f"out{suffix}")
    score, experts = scorer.score_with_experts(rows)
    np.testing.assert_allclose(found["score"], score, rtol=1e-12)
    np.testing.assert_array_equal(found[["expert_1", "expert_2"]], experts)
    assert found["name"].tolist() == rows["name"].tolist()
    assert found["row"].tolist() == list(range(60))
    assert found["is_anomaly"].tolist() == (score >= 0.3).tolist()
    assert set(found["model"]) == {name_of(model)}
    assert not (tmp_path / "out.rejects.csv").exists()


def test_a_threshold_stands_in_for_the_model_s(model, rows, tmp_path):
    found = scores_of(model, write(rows, tmp_path / "in.csv"), tmp_path / "out.csv", threshold=0.6)
    assert found["is_anomaly"].tolist() == (found["score"] >= 0.6).tolist()
    assert set(found["threshold"]) == {0.6}


def test_rejected_rows_are_kept_with_the_reason_and_the_others_are_scored(scorer, model, rows, tmp_path, caplog):
    number = scorer.preprocessor.numeric.names[0]
    rows = rows.astype({number: object})
    rows.loc[rows.index[[3, 40]], number] = "?"
    table = write(rows, tmp_path / "in.csv")
    with (tmp_path / "in.csv").open("a") as file:
        file.write("1,2\n")
    found = scores_of(model, table, tmp_path / "out.csv")
    rejects = pd.read_csv(tmp_path / "out.rejects.csv")
    assert f"3 of 61 rows could not be scored, for reasons such as [\"column '{number}'" in caplog.text
    report = summarise_scores(TableStream(str(tmp_path / "out.csv")), ScoringConfig())
    assert (report["n_rows"], report["n_rejected"]) == (58, 3)
    assert found["row"].tolist() == [i for i in range(60) if i not in (3, 40)]
    assert sorted(rejects["name"].dropna()) == ["row 3", "row 40"]
    assert sorted(rejects["row"].dropna()) == [3, 40]
    assert "\n3,row 3," in (tmp_path / "out.rejects.csv").read_text()  # a whole number, not 3.0
    assert set(rejects.dropna()["reason"]) == {f"column '{number}' must be a number and is '?'"}
    assert rejects["reason"].str.startswith("2 fields, where the header has").sum() == 1
    write(rows.assign(**{number: 1.0}), tmp_path / "in.csv")
    scores_of(model, table, tmp_path / "out.csv")
    assert not (tmp_path / "out.rejects.csv").exists()
    assert summarise_scores(TableStream(str(tmp_path / "out.csv")), ScoringConfig())["n_rejected"] == 0


def test_a_table_of_which_no_row_can_be_scored_is_an_error_and_leaves_earlier_scores(scorer, model, rows, tmp_path):
    number = scorer.preprocessor.numeric.names[0]
    (tmp_path / "out.csv").write_text("before")
    with pytest.raises(ValueError, match=r"in.csv: no row can be scored.*must be a number and is 'x'"):
        scores_of(model, write(rows.assign(**{number: "x"}), tmp_path / "in.csv"), tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def test_no_rows_give_no_scores(model, rows, tmp_path):
    found = scores_of(model, write(rows[:0], tmp_path / "in.parquet"), tmp_path / "out.parquet")
    assert len(found) == 0
    assert found.columns.tolist() == [
        "row",
        "name",
        "score",
        "is_anomaly",
        "threshold",
        "expert_1",
        "expert_2",
        "model",
    ]


@pytest.mark.parametrize("key", [(), ("number",)])
def test_missing_columns_are_told_before_anything_is_read(model, rows, tmp_path, key):
    kept = rows if key else rows.drop(columns=rows.columns[0])
    table = write(kept, tmp_path / "in.csv")
    with pytest.raises(
        ValueError, match=rf"in.csv: 1 of \d+ columns are missing: \['{key[0] if key else rows.columns[0]}'\]"
    ):
        Scoring.of(model, table, key, SMALL)


def test_columns_that_are_there_twice_are_told(model, rows, tmp_path):
    twice = pd.concat([rows, rows.iloc[:, :1]], axis=1)
    with pytest.raises(ValueError, match=r"in.csv: columns are there twice"):
        Scoring.of(model, write(twice, tmp_path / "in.csv"), (), SMALL)


@pytest.mark.parametrize(
    ("path", "rejects"),
    [
        ("scores.parquet", "scores.rejects.csv"),
        ("a.b/scores.csv.gz", "a.b/scores.rejects.csv"),
        ("memory://x/2026.11.25.parquet", "memory://x/2026.11.25.rejects.csv"),
    ],
)
def test_rejects_lie_beside_the_scores(path, rejects):
    assert path_of_rejects(path) == rejects


@pytest.mark.parametrize(
    ("source", "out"),
    [("in.csv", "in.csv"), ("in.rejects.csv", "in.parquet"), ("parts", "parts/scores.parquet")],
)
def test_scores_and_rejects_are_not_written_over_what_is_to_be_scored(model, rows, tmp_path, source, out):
    table = tmp_path / source
    if source == "parts":
        table.mkdir()
        rows.to_parquet(table / "monday.parquet")
    else:
        rows.to_csv(table, index=False)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    with pytest.raises(ValueError, match="choose another output"):
        scores_of(model, TableStream(str(table)), tmp_path / out)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_ids_are_written_as_they_are_in_rejects_and_scores(scorer, model, rows, tmp_path, suffix):
    ids = pd.Series(2**60 + np.arange(60), dtype="Int64").where(np.arange(60) != 5)
    number = scorer.preprocessor.numeric.names[0]
    rows.loc[3, number] = np.inf
    table = write(rows.assign(id=ids), tmp_path / "in.parquet")
    out = tmp_path / f"out{suffix}"
    write_scores(Scoring.of(model, table, ("id",), SMALL), str(out))
    read = pd.read_parquet if suffix == ".parquet" else pd.read_csv
    assert read(out, dtype_backend="numpy_nullable")["id"].equals(ids.drop(3).reset_index(drop=True))
    assert pd.read_csv(tmp_path / "out.rejects.csv")["id"].tolist() == [2**60 + 3]


def test_a_file_of_a_folder_that_lacks_a_column_is_told_before_anything_is_scored(model, rows, tmp_path):
    name = rows.columns[0]
    for number, part in enumerate((rows, rows.drop(columns=name))):
        part.to_parquet(tmp_path / f"part-{number}.parquet")
    with pytest.raises(ValueError, match=rf"part-1.parquet: 1 of .* columns are missing: \['{name}'\]"):
        Scoring.of(model, TableStream(str(tmp_path)), (), SMALL)


def test_alerts_of_an_earlier_table_do_not_stay_beside_new_scores(model, rows, tmp_path):
    old = [tmp_path / "out.alerts.csv", tmp_path / "out.alerts.html"]
    for path in old:
        path.touch()
    scores_of(model, write(rows, tmp_path / "in.csv"), tmp_path / "out.csv")
    assert not any(path.exists() for path in old)
