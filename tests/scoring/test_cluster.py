"""A Dask cluster gives the scores of this process, with few chunks under way, and outlives its workers."""

import multiprocessing
import os
from itertools import islice

import dask
import pandas as pd
import pytest
from distributed import Client, LocalCluster

from swift_hydra_kedro.cluster import ANY_PORT, PACKAGE
from swift_hydra_kedro.config import ScoringConfig
from swift_hydra_kedro.data.stream import Chunk, TableStream
from swift_hydra_kedro.models import inference
from swift_hydra_kedro.scoring.chunks import ChunkScorer
from swift_hydra_kedro.scoring.cluster import CHUNKS_PER_THREAD, open_cluster
from swift_hydra_kedro.scoring.table import Scoring, write_scores

LOCAL = ScoringConfig(chunk_rows=5, chunk_bytes=1024)
N_THREADS = 2


@pytest.fixture(scope="module")
def processes():
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=ANY_PORT) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def threads():
    """Two workers in this process."""
    with LocalCluster(
        n_workers=N_THREADS, threads_per_worker=1, processes=False, dashboard_address=ANY_PORT
    ) as cluster:
        yield cluster


@pytest.fixture
def score(model):
    return ChunkScorer.of(model, (), None)


def on(cluster):
    return LOCAL.model_copy(update={"engine": "dask", "scheduler": cluster.scheduler_address})


def write(rows, path):
    rows.to_parquet(path) if path.suffix == ".parquet" else rows.to_csv(path, index=False)
    return TableStream(str(path))


def chunk(rows, start):
    return Chunk(start, rows, [])


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_scores_and_rejects_are_those_of_this_process_to_the_bit(model, rows, processes, tmp_path, suffix):
    rows = rows.astype({"size": str})
    rows.loc[[3, 40], "size"] = "?"
    table = write(rows, tmp_path / f"in{suffix}")
    for name, config in {"local": LOCAL, "dask": on(processes)}.items():
        write_scores(Scoring.of(model, table, ("name",), config), str(tmp_path / f"{name}{suffix}"))
    for end in (suffix, ".rejects.csv"):
        assert (tmp_path / f"dask{end}").read_bytes() == (tmp_path / f"local{end}").read_bytes()


def test_broken_lines_are_rejected(model, rows, threads, tmp_path):
    table = write(rows, tmp_path / "in.csv")
    with (tmp_path / "in.csv").open("a") as file:
        file.write("1,2\n")
    write_scores(Scoring.of(model, table, (), on(threads)), str(tmp_path / "out.csv"))
    assert len(pd.read_csv(tmp_path / "out.csv")) == 60
    assert pd.read_csv(tmp_path / "out.rejects.csv")["reason"].str.startswith("2 fields").tolist() == [True]


def test_order_is_kept_and_few_chunks_are_under_way(score, rows, threads):
    n_read, under_way, found = 0, [], []

    def parts():
        nonlocal n_read
        for start in range(20):
            n_read += 1
            yield chunk(rows.sample(5000, replace=True) if start == 0 else rows[:1], start)  # the first takes longest

    with open_cluster(score, on(threads)) as engine:
        for n_before, scored in enumerate(engine(parts())):
            under_way.append(n_read - n_before)
            found.append(scored.scores["row"].iloc[0])
    assert found == list(range(20))
    assert max(under_way) == CHUNKS_PER_THREAD * N_THREADS


def test_the_model_is_built_once_on_each_worker_and_leaves_it(score, rows, threads, monkeypatch):
    built, fold = [], inference.fold
    monkeypatch.setattr(inference, "fold", lambda mixture: built.append(mixture) or fold(mixture))
    with open_cluster(score, on(threads)) as engine:
        assert len(list(engine(chunk(rows, 60 * i) for i in range(6)))) == 6
    assert len(built) == len(threads.workers)
    assert not [name for worker in threads.workers.values() for name in worker.plugins if PACKAGE in name]


@pytest.mark.parametrize("n_rows", [0, 1])
def test_a_table_of_fewer_chunks_than_workers_is_scored(model, rows, threads, tmp_path, n_rows):
    table = write(rows[:n_rows], tmp_path / "in.parquet")
    write_scores(Scoring.of(model, table, (), on(threads)), str(tmp_path / "out.parquet"))
    assert pd.read_parquet(tmp_path / "out.parquet")["row"].tolist() == list(range(n_rows))


def test_an_error_on_a_worker_is_the_one_of_this_process_and_leaves_earlier_scores(model, rows, threads, tmp_path):
    table = write(rows.assign(size=pd.Timestamp("2026-11-25")), tmp_path / "in.parquet")
    (tmp_path / "out.csv").write_text("before")
    for config in (LOCAL, on(threads)):
        with pytest.raises(ValueError, match=r"'size'.*dates"):
            write_scores(Scoring.of(model, table, (), config), str(tmp_path / "out.csv"))
    assert (tmp_path / "out.csv").read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.parquet", "out.csv"]


def test_a_cluster_here_survives_its_worker_and_is_closed_with_work_left_undone(score, rows):
    before, parts = set(multiprocessing.active_children()), [chunk(rows[i : i + 5], i) for i in range(0, 60, 5)]
    with open_cluster(score, LOCAL.model_copy(update={"engine": "dask", "workers": 1})) as engine:
        scored = engine(iter(parts))
        found = [next(scored)]
        (worker,) = set(multiprocessing.active_children()) - before
        worker.kill()
        found += islice(scored, 6)
    assert set(multiprocessing.active_children()) == before
    for there, here in zip(found, map(score, parts), strict=False):
        pd.testing.assert_frame_equal(there.scores, here.scores, check_exact=True)


def test_a_cluster_here_leaves_the_environment_as_it_was(score, monkeypatch):
    monkeypatch.setenv("MKL_NUM_THREADS", "7")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = dict(os.environ)
    with open_cluster(score, LOCAL.model_copy(update={"engine": "dask", "workers": 1})):
        pass
    assert dict(os.environ) == before


def test_a_scheduler_that_does_not_answer_is_told(score):
    config = LOCAL.model_copy(update={"engine": "dask", "scheduler": "tcp://127.0.0.1:1"})
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "100ms"}),
        pytest.raises(ConnectionError, match=r"no Dask scheduler answers at tcp://127.0.0.1:1"),
        open_cluster(score, config),
    ):
        pass


def test_a_cluster_without_workers_is_told(score):
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=ANY_PORT) as cluster,
        pytest.raises(ConnectionError, match="has no workers"),
        open_cluster(score, on(cluster)),
    ):
        pass


@pytest.mark.parametrize(("there", "told"), [("0.0.9", "swift_hydra_kedro 0.0.9:"), (None, "not at all")])
def test_another_version_on_a_worker_is_told(score, threads, monkeypatch, there, told):
    get_versions = Client.get_versions

    def doctored(client, **given):
        found = get_versions(client, **given)
        found["workers"]["tcp://far"] = {"packages": {PACKAGE: there}}
        return found

    monkeypatch.setattr(Client, "get_versions", doctored)
    with pytest.raises(RuntimeError, match=f"tcp://far has .*{told}"), open_cluster(score, on(threads)):
        pass
