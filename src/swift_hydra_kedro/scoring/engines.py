"""Where chunks are scored: in this process, or by the workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from importlib.util import find_spec

from swift_hydra_kedro.config import ScoringConfig
from swift_hydra_kedro.data.stream import Chunk
from swift_hydra_kedro.scoring.chunks import ChunkScorer, Scored

Engine = Callable[[Iterable[Chunk]], Iterator[Scored]]


def open_engine(score: ChunkScorer, config: ScoringConfig) -> AbstractContextManager[Engine]:
    """Prepare to apply `score` to chunks, whose order is kept; the same scores come from every engine.

    Raises
    ------
    ImportError
        If Dask is asked for and not installed.
    """
    if config.engine == "local":
        return nullcontext(partial(map, score))
    if find_spec("distributed") is None:
        raise ImportError("scoring.engine=dask needs Dask: pip install -e '.[dask]'")
    from swift_hydra_kedro.scoring.cluster import open_cluster

    return open_cluster(score, config)
