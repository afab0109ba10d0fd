"""A Dask cluster to compute on: one whose scheduler's address is known, or processes started here."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import dask
from distributed import Client, LocalCluster

PACKAGE = "swift_hydra_kedro"
ANY_PORT = "127.0.0.1:0"  # of a cluster here, so that two runs side by side do not want the same
SETTINGS = {
    "distributed.nanny.pre-spawn-environ.DASK_LOGGING__DISTRIBUTED": "warning",
    # Data travel with a task, so that the scheduler can send both again if a worker dies; Dask would warn of it
    "distributed.admin.large-graph-warning-threshold": "1 TiB",
    # Where this is set, glibc returns every large array to the system, and page faults take half of the time
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
}


@contextmanager
def connect(
    scheduler: str | None, workers: int, memory: str = "auto", settings: Mapping[str, Any] | None = None
) -> Iterator[Client]:
    """Connect to the cluster with this scheduler, or without one start `workers` processes of one thread here.

    Parameters
    ----------
    scheduler : address, such as tcp://host:8786
    workers, memory : of a cluster here: processes, and what each may take; "auto" divides this machine's memory
    settings : of Dask, for a cluster here and for this process

    Raises
    ------
    ConnectionError
        If no scheduler answers, or it has no workers.
    RuntimeError
        If a worker or the scheduler has another version of this package.
    """
    logging.getLogger("distributed").setLevel(logging.WARNING)  # else it tells of all that comes and goes
    with _environment_kept(), dask.config.set(SETTINGS | dict(settings or {})), ExitStack() as stack:
        cluster = scheduler or stack.enter_context(
            LocalCluster(n_workers=workers, threads_per_worker=1, memory_limit=memory, dashboard_address=ANY_PORT)
        )
        client = stack.enter_context(_client_of(cluster))
        _check(client)
        yield client


@contextmanager
def _environment_kept() -> Iterator[None]:
    """Undo what Dask sets in this process for those that it starts, such as how many threads they may have."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


def _client_of(cluster: str | LocalCluster) -> Client:
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
