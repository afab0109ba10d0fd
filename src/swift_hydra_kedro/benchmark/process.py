"""What a process takes that measures a cell: one thread, no word on the terminal, and so much memory."""

from __future__ import annotations

import ctypes
import gc
import io
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr
from pathlib import Path

from joblib import parallel_config
from threadpoolctl import threadpool_limits

from swift_hydra_kedro.models.runtime import narrow_threads

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
_OWN = Path("/proc/self")
_RESET_PEAK = "5"  # see proc(5), clear_refs


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep libraries from taking more than one thread, also where a method asks for all (`n_jobs=-1`).

    The seconds of a cell are thus those of one core, and cells side by side do not wait for each other. Libraries that
    are already loaded are told, those that will be find it in the environment.
    """
    before = {name: os.environ.get(name) for name in THREADS}
    with threadpool_limits(1), parallel_config("sequential"), narrow_threads(1):
        os.environ.update(dict.fromkeys(THREADS, "1"))
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


class Silence:
    """Swallows progress bars and warnings, which would run through those of the benchmark; logs are heard.

    The threads of a process have one standard error: it is back when the last of them leaves.
    """

    def __init__(self) -> None:
        self._lock, self._inside, self._stack = threading.Lock(), 0, ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._stack.enter_context(redirect_stderr(io.StringIO()))
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._stack.close()


in_silence = Silence()


class PeakMemory:
    """The most memory that this process had at a time while the context was open: `bytes`.

    Counted by Linux, which misses nothing, is the resident set of the whole process: interpreter, libraries and the
    table as well as what the method took, and all cells that run in the process at the time, of which there is one on a
    worker of one thread. What earlier cells have left is given back to the system first. Elsewhere it is None.
    """

    bytes: int | None = None

    def __enter__(self) -> PeakMemory:
        _give_back()
        try:
            (_OWN / "clear_refs").write_text(_RESET_PEAK)
            self._counted = True
        except OSError:  # another system, or a container that forbids it
            self._counted = False
        return self

    def __exit__(self, *_: object) -> None:
        found = re.search(r"VmHWM:\s+(\d+) kB", (_OWN / "status").read_text()) if self._counted else None
        self.bytes = 1024 * int(found[1]) if found else None


def _give_back() -> None:
    """Collect what is no longer used, and have glibc return freed memory, of which it else keeps some."""
    gc.collect()
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
