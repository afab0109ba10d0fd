"""The manifest, and downloads from a real HTTP server that misbehaves on purpose."""

import hashlib
import os
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from swift_hydra_kedro.data import adbench
from swift_hydra_kedro.data.npz import read_npz

GOOD, CUT, CORRUPT, REFUSED, BUSY, ABSENT = "good", "cut", "corrupt", "refused", "busy", "absent"
X, Y = np.arange(600.0).reshape(100, 6), (np.arange(100) < 7).astype(int)


@contextmanager
def server(content: bytes, behaviour: list[str]):
    """Answer the i-th request as `behaviour[i]` says (the last one from then on); give URL and requested paths."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            how = behaviour[min(len(paths), len(behaviour) - 1)]
            paths.append(self.path)
            self.send_response({REFUSED: 403, BUSY: 503, ABSENT: 404}.get(how, 200))
            body = content[::-1] if how == CORRUPT else content
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if how == CUT else body)

        def log_message(self, *args):
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}/adbench", paths
    finally:
        httpd.shutdown()
        httpd.server_close()


@pytest.fixture
def content(tmp_path, monkeypatch) -> bytes:
    """An npz file that the manifest knows as `6_cardio`, with its checksum; no waiting between attempts."""
    np.savez(tmp_path / "source.npz", X=X, y=Y)
    data = (tmp_path / "source.npz").read_bytes()
    know(monkeypatch, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
    monkeypatch.setattr(adbench, "BACKOFF_SECONDS", 0.0)
    return data


def know(monkeypatch, **facts):
    known = adbench.entry("6_cardio").model_copy(update=facts)
    monkeypatch.setattr(adbench, "entry", lambda stem: known)


def test_manifest_lists_the_files_of_all_57_sets():
    entries = [adbench.entry(stem) for stem in adbench.stems()]
    assert len(entries) == 121
    assert {entry.number for entry in entries} == set(range(1, 58))
    assert sum(entry.folder == "Classical" for entry in entries) == 47
    assert all(entry.stem == f"{entry.number}_{entry.dataset}" for entry in entries if entry.folder == "Classical")
    assert all(len(entry.sha256) == 64 and entry.bytes for entry in entries if entry.sha256)
    assert adbench.entry("7_Cardiotocography").n_anomalies == 466
    assert adbench.entry("CIFAR10_1").n_samples is None


def test_unknown_stem_is_an_error():
    with pytest.raises(ValueError, match="no file named '6_cardiology'"):
        adbench.fetch("6_cardiology", Path("unused"))


@pytest.mark.parametrize("failures", [[], [CUT], [CORRUPT], [BUSY], [CUT, CORRUPT, BUSY]])
def test_download_survives_passing_failures(tmp_path, content, failures):
    with server(content, [*failures, GOOD]) as (url, paths):
        path = adbench.fetch("6_cardio", tmp_path / "raw", url)
    assert paths == ["/adbench/Classical/6_cardio.npz"] * (len(failures) + 1)
    assert path.read_bytes() == content
    assert [file.name for file in path.parent.iterdir()] == ["6_cardio.npz"]


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        (CUT, ConnectionError, "set ADBENCH_MIRROR to a folder or URL that holds Classical/6_cardio.npz"),
        (CORRUPT, ValueError, "SHA-256 is .* and should be .*; nothing was kept"),
    ],
)
def test_lasting_failure_leaves_nothing_behind(tmp_path, content, how, error, message):
    with server(content, [how]) as (url, paths), pytest.raises(error, match=message):
        adbench.fetch("6_cardio", tmp_path / "raw", url)
    assert len(paths) == adbench.ATTEMPTS
    assert list((tmp_path / "raw").iterdir()) == []


@pytest.mark.parametrize(("how", "error"), [(REFUSED, ConnectionError), (ABSENT, FileNotFoundError)])
def test_final_answer_is_not_retried(tmp_path, content, how, error):
    with server(content, [how]) as (url, paths), pytest.raises(error, match="ADBENCH_MIRROR"):
        adbench.fetch("6_cardio", tmp_path / "raw", url)
    assert len(paths) == 1
    assert list((tmp_path / "raw").iterdir()) == []


def test_unreachable_server_names_the_mirror_variable(tmp_path, content):
    with server(content, [GOOD]) as (url, _):
        pass  # its port is closed from here on
    with pytest.raises(ConnectionError, match="ADBENCH_MIRROR"):
        adbench.fetch("6_cardio", tmp_path, url)


def test_interrupt_midway_leaves_nothing_behind(tmp_path, content, monkeypatch):
    def interrupt(source, sink, length):
        sink.write(source.read(100))
        raise KeyboardInterrupt

    monkeypatch.setattr(adbench.shutil, "copyfileobj", interrupt)
    with server(content, [GOOD]) as (url, _), pytest.raises(KeyboardInterrupt):
        adbench.fetch("6_cardio", tmp_path / "raw", url)
    assert list((tmp_path / "raw").iterdir()) == []


def test_folder_as_mirror_and_second_call_without_it(tmp_path, content):
    (tmp_path / "mirror/Classical").mkdir(parents=True)
    (tmp_path / "mirror/Classical/6_cardio.npz").write_bytes(content)
    path = adbench.fetch("6_cardio", tmp_path / "raw", str(tmp_path / "mirror"))
    assert path == adbench.fetch("6_cardio", tmp_path / "raw", "http://127.0.0.1:9/never-asked")
    with pytest.raises(FileNotFoundError, match="ADBENCH_MIRROR"):
        adbench.fetch("6_cardio", tmp_path / "other", str(tmp_path / "empty"))


def test_wrong_local_file_is_reported_and_kept(tmp_path, content):
    path = tmp_path / "6_cardio.npz"
    path.write_bytes(b"mine")
    with pytest.raises(ValueError, match="delete the file"):
        adbench.fetch("6_cardio", tmp_path, None)
    assert path.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"n_samples": 101}, "it has 100 rows and should have 101"),
        ({"n_features": 5}, "it has 6 features and should have 5"),
        ({"n_anomalies": 8}, "it has 7 anomalies and should have 8"),
    ],
)
def test_shape_is_checked_where_no_checksum_is_known(tmp_path, content, monkeypatch, facts, message):
    (tmp_path / "6_cardio.npz").write_bytes(content)
    fits = {"sha256": None, "n_samples": None, "n_features": 6, "n_anomalies": 7}
    know(monkeypatch, **fits)
    assert adbench.fetch("6_cardio", tmp_path).exists()
    know(monkeypatch, **(fits | facts))
    with pytest.raises(ValueError, match=message):
        adbench.fetch("6_cardio", tmp_path)


def test_content_must_be_npz_where_no_checksum_is_known(tmp_path, content, monkeypatch):
    know(monkeypatch, sha256=None)
    with server(b"<html>not here</html>", [GOOD]) as (url, _), pytest.raises(ValueError, match="not the npz file"):
        adbench.fetch("6_cardio", tmp_path / "raw", url)
    assert list((tmp_path / "raw").iterdir()) == []


@pytest.mark.skipif(not os.environ.get("ADBENCH_MIRROR"), reason="ADBENCH_MIRROR names no source of ADBench files")
def test_real_files_match_the_manifest(tmp_path):
    mirror = os.environ["ADBENCH_MIRROR"]
    present = [
        stem for stem in adbench.stems() if (Path(mirror) / adbench.entry(stem).folder / f"{stem}.npz").is_file()
    ]
    assert present, f"{mirror} holds none of ADBench's files"
    for stem in present:
        known = adbench.entry(stem)
        features, label = read_npz(adbench.fetch(stem, tmp_path, mirror))
        assert features.shape == (known.n_samples, known.n_features), stem
        assert label.sum() == known.n_anomalies, stem
