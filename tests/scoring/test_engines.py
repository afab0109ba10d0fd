"""Which engine is opened, and what is told if it cannot be."""

import sys

import pytest

from swift_hydra_kedro.config import ScoringConfig
from swift_hydra_kedro.data.stream import TableStream
from swift_hydra_kedro.scoring.table import Scoring, write_scores


def test_without_dask_the_command_that_installs_it_is_told_and_nothing_is_written(model, rows, tmp_path, monkeypatch):
    rows.to_csv(tmp_path / "in.csv")
    scoring = Scoring.of(model, TableStream(str(tmp_path / "in.csv")), (), ScoringConfig(engine="dask"))
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r"pip install -e '\.\[dask\]'"):
        write_scores(scoring, str(tmp_path / "out.csv"))
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]
