import io
import re

import pandas as pd
import pytest

from swift_hydra_kedro.evaluation.paper.printed import TABLES, doubts
from swift_hydra_kedro.evaluation.report.tables import MARK, benchmark_tables, doubt_notes

COVERAGE, ALPHA = 0.75, 0.05


@pytest.fixture(scope="module")
def files(all_results, found, sets):
    return benchmark_tables(all_results, found, sets, COVERAGE, ALPHA)


def test_csv_files_hold_what_was_computed(files, found, results):
    board = pd.read_csv(io.StringIO(files["leaderboard.csv"])).set_index(["train_size", "method"])
    for size, standing in found.items():
        for name in ("auc_roc", "auc_pr", "rank", "wins", "tif"):
            assert board.loc[size][name].to_dict() == pytest.approx(standing.board[name].to_dict(), rel=1e-5)
    failed = pd.read_csv(io.StringIO(files["failures.csv"]))
    assert len(failed) == results["error"].notna().sum()
    assert set(pd.read_csv(io.StringIO(files["paper_means.csv"]))["table"]) == set(TABLES)


def test_the_page_has_a_leaderboard_of_each_train_size(files, found):
    for size, standing in found.items():
        section = files["README.md"].split(f"## {size:.0%} of the rows in training")[1].split("\n## ")[0]
        rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| ")][2:]
        assert len(rows) == len(standing.board)
        assert [float(row[1]) for row in rows] == pytest.approx(standing.board["auc_roc"].tolist(), abs=5.1e-5)
        assert rows[0][0] == "| Swift Hydra"
        assert rows[0][6] == " |"  # no p-value against itself


def test_the_page_has_all_of_the_papers_tables_and_its_doubts(files):
    page = files["README.md"]
    assert re.findall(r"^## Table (\d)", page, re.MULTILINE) == ["1", "4", "5", "6", "7", "9"]
    for table in (1, 6, 9):
        for says in doubts(table)["says"]:
            assert says in page


def test_doubtful_methods_are_marked_in_their_table(files):
    rows = [line for line in files["README.md"].splitlines() if line.startswith("| Swift Hydra (Transformer)")]
    assert [line.startswith(f"| Swift Hydra (Transformer){MARK}") for line in rows] == [False] * 4 + [True] * 4


def test_doubts_say_what_they_are_of():
    assert [note.split(":")[0] for note in doubt_notes(9)] == [
        f"{MARK} MNIST-C",
        f"{MARK} MVTec-AD",
        f"{MARK} 20newsgroups",
        f"{MARK} ADGym",
    ]
    assert doubt_notes(1)[0].startswith(f"{MARK} Table 9's columns")
