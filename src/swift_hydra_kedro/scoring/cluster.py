"""Chunks scored by the workers of a Dask cluster, while this process reads and writes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

from distributed import Client, Future, Worker, WorkerPlugin, get_worker

from swift_hydra_kedro.cluster import PACKAGE, connect
from swift_hydra_kedro.config import ScoringConfig
from swift_hydra_kedro.data.stream import Chunk
from swift_hydra_kedro.models.runtime import narrow_threads
from swift_hydra_kedro.scoring.chunks import ChunkScorer, Scored
from swift_hydra_kedro.scoring.engines import Engine

CHUNKS_PER_THREAD = 2  # one is scored while the next is on its way


@contextmanager
def open_cluster(score: ChunkScorer, config: ScoringConfig) -> Iterator[Engine]:
    """Connect to the cluster that `config` names, or start one, and send each worker the model.

    Raises
    ------
    ConnectionError
        If no scheduler answers, or it has no workers.
    RuntimeError
        If a worker or the scheduler has another version of this package.
    """
    with connect(config.scheduler, config.workers) as client:
        resident = ResidentModel(score, f"{PACKAGE} {client.id}")
        client.register_plugin(resident)
        try:
            yield partial(_in_order, client, resident.name)
        finally:
            if config.scheduler:  # others may use this cluster on
                client.unregister_worker_plugin(resident.name)


class ResidentModel(WorkerPlugin):
    """The model on each worker, also on one that joins later or takes a dead one's place."""

    def __init__(self, score: ChunkScorer, name: str) -> None:
        self.score = score
        self.name = name

    def setup(self, worker: Worker) -> None:
        """Build what scores before there are chunks, which several threads may begin at once."""
        _ = self.score.scorer.predictor


def _in_order(client: Client, name: str, chunks: Iterable[Chunk]) -> Iterator[Scored]:
    most = CHUNKS_PER_THREAD * sum(client.nthreads().values())
    under_way: deque[Future] = deque()
    for chunk in chunks:
        under_way.append(client.submit(_score, name, chunk, pure=False))
        if len(under_way) == most:
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()


def _score(name: str, chunk: Chunk) -> Scored:
    """Score on a worker, whose threads have a chunk each."""
    with narrow_threads(1):
        return get_worker().plugins[name].score(chunk)
