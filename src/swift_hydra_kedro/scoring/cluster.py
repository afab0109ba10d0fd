"""Chunks scored by the workers of a Dask cluster, while this process reads and writes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import dask
from distributed import Client, Future, LocalCluster, Worker, WorkerPlugin, get_worker

from swift_hydra_kedro.config import ScoringConfig
from swift_hydra_kedro.data.stream import Chunk
from swift_hydra_kedro.models.runtime import narrow_threads
from swift_hydra_kedro.scoring.chunks import ChunkScorer, Scored
from swift_hydra_kedro.scoring.engines import Engine

PACKAGE = "swift_hydra_kedro"
ANY_PORT = "127.0.0.1:0"  # of a cluster here, so that two runs side by side do not want the same
CHUNKS_PER_THREAD = 2  # one is scored while the next is on its way
SETTINGS = {
    # A chunk travels with its task, so that the scheduler can send both again if a worker dies; Dask would warn of it
    "distributed.admin.large-graph-warning-threshold": "1 TiB",
    # Where this is set, glibc returns every large array to the system, and page faults take half of the time
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
}


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
    with dask.config.set(SETTINGS), ExitStack() as stack:
        cluster = config.scheduler or stack.enter_context(
            LocalCluster(n_workers=config.workers, threads_per_worker=1, dashboard_address=ANY_PORT)
        )
        client = stack.enter_context(_connect(cluster))
        _check(client)
        resident = ResidentModel(score, f"{PACKAGE} {client.id}")
        client.register_plugin(resident)
        if config.scheduler:  # others may use this cluster on
            stack.callback(client.unregister_worker_plugin, resident.name)
        yield partial(_in_order, client, resident.name)


class ResidentModel(WorkerPlugin):
    """The model on each worker, also on one that joins later or takes a dead one's place."""

    def __init__(self, score: ChunkScorer, name: str) -> None:
        self.score = score
        self.name = name

    def setup(self, worker: Worker) -> None:
        """Build what scores before there are chunks, which several threads may begin at once."""
        _ = self.score.scorer.predictor


def _connect(cluster: str | LocalCluster) -> Client:
    try:
        return Client(cluster, set_as_default=False)
    except OSError as error:
        raise ConnectionError(f"no Dask scheduler answers at {cluster}: {error}") from error


def _check(client: Client) -> None:
    """Refuse a cluster without workers, or with other code than here."""
    found = client.get_versions(packages=[PACKAGE])
    if not found["workers"]:
        raise ConnectionError(f"the Dask scheduler at {client.scheduler.address} has no workers")
    own = found["client"]["packages"][PACKAGE]
    for place, there in {"the scheduler": found["scheduler"], **found["workers"]}.items():
        version = there["packages"][PACKAGE]
        if version != own:
            raise RuntimeError(f"{place} has {PACKAGE} {version or 'not at all'}: install {own} there, as it is here")


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
