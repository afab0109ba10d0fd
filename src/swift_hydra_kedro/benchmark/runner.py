"""Cells on the workers of a Dask cluster: as many at a time as these have threads, the next as soon as one is free.

When a worker dies, Dask gives its cells to another one, and after `DEATHS` deaths gives a cell up. It cannot tell which
of the cells on a worker killed it, so those that it gave up are tried once more at the end, each alone; one that is
given up again has failed. A worker has as many cells as threads and none in waiting, so that these are few.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from distributed import CancelledError, Client, Future, KilledWorker, wait

from swift_hydra_kedro.benchmark.cell import Budget, Record, failed_cell, run_cell
from swift_hydra_kedro.benchmark.grid import Cell
from swift_hydra_kedro.benchmark.process import THREADS
from swift_hydra_kedro.data.table import LabelledTable

logger = logging.getLogger(__name__)
POLL_SECONDS = 2.0  # until workers that have joined get something to do
DEATHS = 2
SETTINGS = {
    "distributed.scheduler.allowed-failures": DEATHS - 1,
    # A worker that waits for memory to be freed might wait forever: one that takes too much is ended, and starts anew
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    **{f"distributed.nanny.pre-spawn-environ.{name}": 1 for name in THREADS},
}


def run_cells(
    client: Client, cells: Sequence[Cell], budget: Budget, read: Callable[[str], LabelledTable]
) -> Iterator[Record]:
    """Measure cells, in about their order; records come as they are finished.

    Parameters
    ----------
    client : of the cluster
    cells : those of a data set one after the other; its table is sent to the cluster once
    read : gives a data set's table by name; where it fails, so do the data set's cells

    Raises
    ------
    ConnectionError
        If the scheduler is lost. Cells that were under way are then as if never begun.
    """
    suspects = []
    try:
        for cell, result in _run(client, cells, budget, read):
            if isinstance(result, KilledWorker):
                suspects.append(cell)
            else:
                yield _record_of(result, cell, budget)
        for suspect in suspects:
            for _, result in _run(client, [suspect], budget, read):
                yield _record_of(result, suspect, budget)
    except Exception as error:
        if client.status == "running" and not isinstance(error, (CancelledError, OSError)):
            raise
        raise ConnectionError(
            "the Dask scheduler is lost; what is finished is kept, and the same command goes on from there"
        ) from error


def _record_of(result: Record | BaseException, cell: Cell, budget: Budget) -> Record:
    return failed_cell(cell, budget, result) if isinstance(result, BaseException) else result


def _run(
    client: Client, cells: Sequence[Cell], budget: Budget, read: Callable[[str], LabelledTable]
) -> Iterator[tuple[Cell, Record | BaseException]]:
    """Measure cells; each comes with its record, or with what kept it from being measured."""
    in_flight: dict[Future, tuple[Cell, str]] = {}
    tasks = _tasks(client, cells, read)
    waiting = next(tasks, None)
    while waiting or in_flight:
        while waiting and (worker := _free_worker(client, in_flight)):
            cell, table = waiting
            if isinstance(table, Exception):
                yield cell, table
            else:
                future = client.submit(
                    run_cell, table, cell, budget, pure=False, workers=[worker], allow_other_workers=True
                )
                in_flight[future] = (cell, worker)
            waiting = next(tasks, None)
        if waiting and not in_flight:  # the last worker may have died, and the next may be slow to come
            logger.warning("the Dask cluster has no worker: waiting for one")
            client.wait_for_workers(1)
        for future in _finished(list(in_flight), client):
            cell, _ = in_flight.pop(future)
            yield cell, future.exception() or future.result()


def _tasks(
    client: Client, cells: Sequence[Cell], read: Callable[[str], LabelledTable]
) -> Iterator[tuple[Cell, Future | Exception]]:
    """Each cell with its table on the cluster, or what went wrong in reading it."""
    for dataset, of_dataset in groupby(cells, key=lambda cell: cell.dataset):
        table: Future | Exception
        try:  # as a task's result, not as scattered data: when its worker dies, it comes again from the scheduler
            table = client.submit(_keep, read(dataset), pure=False)
        except Exception as error:  # of a download, a broken file, a table of one class: the other data sets go on
            table = error
        for cell in of_dataset:
            yield cell, table


def _keep(table: LabelledTable) -> LabelledTable:
    return table


def _free_worker(client: Client, in_flight: dict[Future, tuple[Cell, str]]) -> str | None:
    """The worker with the most idle threads; none if there are as many cells under way as threads."""
    threads, busy = client.nthreads(), Counter(worker for _, worker in in_flight.values())
    if len(in_flight) >= sum(threads.values()):
        return None
    return max(threads, key=lambda worker: threads[worker] - busy[worker])


def _finished(in_flight: list[Future], client: Client) -> set[Future]:
    """Those that are, when the first of them is, or none after a while."""
    if not in_flight:
        return set()
    try:
        with client.as_current():
            return wait(in_flight, timeout=POLL_SECONDS, return_when="FIRST_COMPLETED").done
    except TimeoutError:
        return set()
