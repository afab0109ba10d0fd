"""The files of ADBench's 57 data sets: what each must hold, and fetching them.

`manifest.csv` has a row per file. Blank fields are facts not known: the sets of images and texts are
families of files, of which ADBench's own table gives one member's size or the family's total.
"""

from __future__ import annotations

import csv
import hashlib
import shutil
import time
from contextlib import AbstractContextManager
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import IO

import aiohttp
import fsspec
import numpy as np
from pydantic import BaseModel, ConfigDict
from tqdm import tqdm

from swift_hydra_kedro.data.atomic import whole_or_nothing
from swift_hydra_kedro.data.npz import read_npz

UPSTREAM = "https://github.com/Minqi824/ADBench/raw/main/adbench/datasets"
ATTEMPTS = 4
BACKOFF_SECONDS = 1.0  # doubles after each failed attempt
CHUNK_BYTES = 1 << 20


class ManifestEntry(BaseModel):
    """What is known of one ADBench file; None where it is not known."""

    model_config = ConfigDict(frozen=True)

    stem: str
    folder: str
    dataset: str
    number: int
    n_samples: int | None
    n_features: int | None
    n_anomalies: int | None
    bytes: int | None
    sha256: str | None


class _CorruptError(ValueError):
    """The bytes that arrived are not the ones that the manifest describes."""


@cache
def _manifest() -> dict[str, ManifestEntry]:
    text = files(__package__).joinpath("manifest.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {row["stem"]: ManifestEntry.model_validate({k: v or None for k, v in row.items()}) for row in rows}


def stems() -> tuple[str, ...]:
    """Names of all ADBench files, such as `7_Cardiotocography`, in table 8's order."""
    return tuple(_manifest())


def entry(stem: str) -> ManifestEntry:
    """Look up one file.

    Raises
    ------
    ValueError
        If ADBench has no file of this name.
    """
    if stem not in _manifest():
        raise ValueError(f"ADBench has no file named {stem!r}")
    return _manifest()[stem]


def held_by(mirror: str) -> list[str]:
    """Those of the files that a mirror, a folder or fsspec URL with ADBench's folders, holds."""
    fs, root = fsspec.url_to_fs(mirror.rstrip("/"))
    return [stem for stem in stems() if fs.exists(f"{root}/{entry(stem).folder}/{stem}.npz")]


def fetch(stem: str, folder: Path, mirror: str | None = None) -> Path:
    """Return `folder/<stem>.npz`, fetching it first if it is not there.

    The file is checked against the manifest before it gets its name, so a broken or interrupted
    download leaves nothing behind.

    Parameters
    ----------
    stem
        The file's name in ADBench without its suffix.
    folder
        Where the file is kept.
    mirror
        Folder or fsspec URL with ADBench's folders (`Classical`, ...); None fetches from GitHub.

    Raises
    ------
    ValueError
        If ADBench has no such file, or the bytes there or fetched are not the ones expected.
    FileNotFoundError
        If the mirror lacks the file.
    ConnectionError
        If the source cannot be reached.
    """
    known, path = entry(stem), folder / f"{stem}.npz"
    if path.exists():
        try:
            _verify(path, known)
        except _CorruptError as error:
            raise ValueError(f"{path}: {error}; delete the file to have it fetched again") from error
        return path
    source = f"{(mirror or UPSTREAM).rstrip('/')}/{known.folder}/{stem}.npz"
    folder.mkdir(parents=True, exist_ok=True)
    with whole_or_nothing(path) as part:
        _download_with_retries(source, part, known)
    return path


def _download_with_retries(source: str, part: Path, known: ManifestEntry) -> None:
    attempts = ATTEMPTS if _is_http(source) else 1
    for attempt in range(1, attempts + 1):
        try:
            _download(source, part, known)
            _verify(part, known)
            return
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"there is no {source}; check the folder or URL that ADBENCH_MIRROR names"
            ) from error
        except _CorruptError as error:
            if attempt == attempts:
                raise ValueError(f"{source}: {error}; nothing was kept") from error
        except (aiohttp.ClientError, OSError) as error:
            if attempt == attempts or not _is_transient(error):
                raise ConnectionError(
                    f"cannot fetch {source} ({type(error).__name__}: {error}); set ADBENCH_MIRROR to a folder or URL "
                    f"that holds {known.folder}/{known.stem}.npz, or place the file in the data folder yourself"
                ) from error
        time.sleep(BACKOFF_SECONDS * 2 ** (attempt - 1))


def _download(source: str, part: Path, known: ManifestEntry) -> None:
    with (
        _open(source, known.bytes) as remote,
        part.open("wb") as local,
        tqdm.wrapattr(local, "write", desc=f"Fetching {known.stem}", total=known.bytes) as sink,
    ):
        shutil.copyfileobj(remote, sink, CHUNK_BYTES)


def _is_http(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _open(source: str, n_bytes: int | None) -> AbstractContextManager[IO[bytes]]:
    """Open a path or URL; over HTTP as a stream that gives up on silence rather than on slowness."""
    if not _is_http(source):
        return fsspec.open(source, "rb")
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=20, sock_read=60)
    http = fsspec.filesystem("http", client_kwargs={"timeout": timeout, "trust_env": True})
    # Any size spares a request for it first, every failure of which fsspec would report as a missing file.
    return http.open(source, "rb", block_size=0, size=n_bytes or -1)


def _is_transient(error: Exception) -> bool:
    """Whether the same request may succeed in a moment; a refusal such as 403 will not."""
    return not isinstance(error, aiohttp.ClientResponseError) or error.status >= 500 or error.status in (408, 429)


def _verify(path: Path, known: ManifestEntry) -> None:
    """Compare with the checksum where it is known, else with the shape."""
    if known.sha256 is not None:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != known.sha256:
            raise _CorruptError(f"its SHA-256 is {digest} and should be {known.sha256}")
        return
    try:
        X, y = read_npz(path)
    except ValueError as error:
        raise _CorruptError(f"not the npz file expected ({error})") from error
    expected = (known.n_samples, known.n_features, known.n_anomalies)
    found = (*X.shape, int(np.count_nonzero(y)))
    for what, n_found, n_expected in zip(("rows", "features", "anomalies"), found, expected, strict=True):
        if n_expected not in (None, n_found):
            raise _CorruptError(f"it has {n_found} {what} and should have {n_expected}")
