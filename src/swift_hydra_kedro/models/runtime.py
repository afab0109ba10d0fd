"""Where random numbers come from, and where and on how many threads torch computes."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from sklearn.utils import check_random_state

WIDE = 256
GPU_BLOCK = 16
Result = TypeVar("Result")


@dataclass(frozen=True)
class Generators:
    """The sources of randomness of one stage."""

    numpy: np.random.Generator
    torch: torch.Generator


def stage_generators(seed: int, stage: str, device: torch.device) -> Generators:
    """Generators that depend on the run's seed and the stage's name alone.

    A stage that runs by itself thus draws the same numbers as within the full pipeline.
    """
    sequence = np.random.SeedSequence([seed, zlib.crc32(stage.encode())])
    numpy_sequence, torch_sequence = sequence.spawn(2)
    torch_seed = int(torch_sequence.generate_state(1, np.uint64)[0] >> 1)
    return Generators(np.random.default_rng(numpy_sequence), torch.Generator(device).manual_seed(torch_seed))


def seed_of(random_state: int | np.random.RandomState | None) -> int:
    """Return an int as it is, so that it names the same run everywhere; otherwise draw one."""
    if isinstance(random_state, (int, np.integer)):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def choose_device(device: str) -> torch.device:
    """Resolve `auto | cpu | cuda`.

    Raises
    ------
    ValueError
        If it is another name, or CUDA is asked for and torch finds none.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device {device!r} must be 'auto', 'cpu' or 'cuda'")
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise ValueError("device 'cuda' was asked for, but torch finds no CUDA device: use 'auto' or 'cpu'")
    return torch.device("cuda" if available and device != "cpu" else "cpu")


def in_threads(tasks: Sequence[Callable[[threading.Event], Result]], device: torch.device) -> list[Result]:
    """Run tasks side by side, each of which computes on one thread: on a CPU as many at a time as torch has threads.

    Unlike threads within an operation, they need not wait for each other at the end of each. A task gets an event
    that tells it to return early: another one failed, or the user has had enough.
    """
    stop = threading.Event()
    n_threads = torch.get_num_threads() if device.type == "cpu" else 1
    with narrow_threads(1), ThreadPoolExecutor(n_threads) as pool:
        try:
            futures = [pool.submit(task, stop) for task in tasks]
            wait(futures, return_when=FIRST_EXCEPTION)
            return [future.result() for future in futures if future.done()]
        finally:
            stop.set()


def at_once(n: int, device: torch.device) -> int:
    """How much to compute in one operation: `n` on a CPU, in whose caches it stays; a GPU takes more to be busy."""
    return n if device.type == "cpu" else GPU_BLOCK * n


class _Narrow(threading.local):
    """Calls that compute on one thread: how many there are, and how many threads torch had before the first of them.

    Torch keeps a number for each thread, and one for new threads and the matrix products of all: the last call to end
    sets both to what they were. A thread that is through before others stays at one, so what it has says nothing.
    """

    lock = threading.Lock()
    n_calls = 0
    n_threads = 1

    def __init__(self) -> None:
        self.through_before_others = False

    def begin(self) -> None:
        with self.lock:
            if _Narrow.n_calls == 0 and not self.through_before_others:
                _Narrow.n_threads = torch.get_num_threads()
            _Narrow.n_calls += 1
        torch.set_num_threads(1)

    def end(self) -> None:
        with self.lock:
            _Narrow.n_calls -= 1
            self.through_before_others = _Narrow.n_calls > 0
            if not self.through_before_others:
                torch.set_num_threads(_Narrow.n_threads)


_narrow = _Narrow()


@contextmanager
def narrow_threads(n_features: int) -> Iterator[None]:
    """Compute on one CPU thread while the table is narrow.

    The networks are so small that a second thread gains a quarter on an idle machine, and on a busy one
    costs a factor of ten: at the end of every operation each waits for the other to be scheduled.

    Calls may overlap, as in the threads of a server: after the last, torch has as many as before.
    """
    if n_features > WIDE:
        yield
        return
    _narrow.begin()
    try:
        yield
    finally:
        _narrow.end()
