"""A served model under load, and what it answers to requests that are wrong.

usage: python benchmarks/serving.py [--data FILE.npz] [--clients 16] [--rows 1,100] [--seconds 20]
                                    [--workers 2]

Trains a model on an ADBench file, or on embedded digits, without synthetic rows, logs it to a scratch MLflow, and
starts `mlflow models serve` on loopback, as `make serve` does. So many clients then send rows, as JSON, each its next
request when the last is answered; every score is compared with that of the model in this process. Prints requests, rows
per second, and the median and 99th percentile of the milliseconds to an answer; then the answers to wrong requests, two
of them with bodies of 100 MB, and whether the server still scores.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from splits import Split, words

from swift_hydra_kedro import SwiftHydraClassifier
from swift_hydra_kedro.data.embedded import digits
from swift_hydra_kedro.data.splitting import split
from swift_hydra_kedro.scorer import Scorer
from swift_hydra_kedro.serving.logging import log_model

JSON = {"Content-Type": "application/json"}
BATCHES = 64
START_SECONDS = 120
BODY = 100 * 2**20


@dataclass
class Load:
    """What clients saw: seconds to each answer, and what was wrong with others."""

    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def main() -> None:
    """Serve, load, provoke."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path)
    options.add_argument("--clients", type=int, default=16)
    options.add_argument("--rows", type=words, default=["1", "100"])
    options.add_argument("--seconds", type=float, default=20)
    options.add_argument("--workers", type=int, default=2, help="processes of the server")
    given = options.parse_args()
    train, test = _parts(given.data)
    model = SwiftHydraClassifier(synthesis={"enabled": False}, random_state=0, verbose=True)
    scorer = model.fit(train.features, train.label).scorer_
    with tempfile.TemporaryDirectory() as folder, _served(Path(folder), scorer, train.features, given.workers) as port:
        print(f"\n{'rows':>6} {'requests':>9} {'wrong':>6} {'rows/s':>9} {'p50 ms':>7} {'p99 ms':>7}")
        for n_rows in map(int, given.rows):
            _report(n_rows, given.seconds, _put_under_load(port, scorer, test.features, n_rows, given))
        print("\nrequest, status, answer")
        for name, body, headers in _wrong_requests(test.features):
            status, answer = _post(port, body, headers)
            print(f"{name:32} {status}  {answer[:160]!r}")
        status, _ = _post(port, _body(test.features.head(1)), JSON)
        print(f"{'one good row, after all that':32} {status}")


def _parts(file: Path | None) -> tuple:
    if file is None:
        return split(digits(), 0.4, 0)
    cell = Split.read(file, 0.4, 0)
    return cell.train, cell.test


@contextmanager
def _served(folder: Path, scorer: Scorer, features: pd.DataFrame, workers: int) -> Iterator[int]:
    """Port of a server that answers."""
    store = f"sqlite:///{folder}/mlflow.db"
    mlflow.set_tracking_uri(store)
    with mlflow.start_run(experiment_id=mlflow.create_experiment("serving", str(folder / "artifacts"))):
        uri = log_model(scorer.to_checkpoint(), "", features.head(5))["model_uri"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", uri, "--env-manager", "local"]
    command += ["--timeout", "300", "--workers", str(workers), "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(
        command,
        env=os.environ | {"MLFLOW_TRACKING_URI": store, "PATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait(port, server)
        yield port
    finally:
        os.killpg(server.pid, 15)
        server.wait()


def _wait(port: int, server: subprocess.Popen) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/ping")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.2)
    sys.exit("the server did not start")


def _put_under_load(port: int, scorer: Scorer, features: pd.DataFrame, n_rows: int, given: argparse.Namespace) -> Load:
    """Let clients send batches of rows and compare each answer with the scores that this process computes."""
    rng = np.random.default_rng(0)
    batches = [features.iloc[rng.integers(0, len(features), n_rows)] for _ in range(BATCHES)]
    asked = [(_body(batch), scorer.score(batch)) for batch in batches]
    load, end = Load(), time.monotonic() + given.seconds

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        turn = number
        while time.monotonic() < end:
            body, expected = asked[turn % BATCHES]
            start = time.perf_counter()
            connection.request("POST", "/invocations", body, JSON)
            answer = connection.getresponse()
            text = answer.read()
            load.seconds.append(time.perf_counter() - start)
            scores = [row["score"] for row in json.loads(text)["predictions"]] if answer.status == 200 else []
            if len(scores) != len(expected) or not np.allclose(scores, expected, rtol=1e-6, atol=1e-9):
                load.wrong.append(f"{answer.status} {text[:200]!r}")
            turn += given.clients

    clients = [threading.Thread(target=client, args=(number,)) for number in range(given.clients)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    return load


def _report(n_rows: int, seconds: float, load: Load) -> None:
    p50, p99 = 1000 * np.quantile(load.seconds, [0.5, 0.99])
    rate = n_rows * len(load.seconds) / seconds
    print(f"{n_rows:6} {len(load.seconds):9} {len(load.wrong):6} {rate:9.0f} {p50:7.1f} {p99:7.1f}", *load.wrong[:3])


def _wrong_requests(features: pd.DataFrame) -> Iterator[tuple[str, bytes, dict[str, str]]]:
    good, columns = features.head(2), list(features.columns)
    text = good.astype(object)
    text.iloc[1, 0] = "large"
    yield "malformed JSON", b'{"dataframe_split": {"columns": [', JSON
    yield "JSON without a table", b'{"rows": [1, 2]}', JSON
    yield "a list", b"[1, 2, 3]", JSON
    yield "no body", b"", JSON
    yield "text where a number must be", _body(text), JSON
    yield "a column missing", _body(good.drop(columns=columns[0])), JSON
    yield "rows of different lengths", _split_body(columns, [[1.0], [1.0, 2.0]]), JSON
    yield "a nested list for a number", _split_body(columns, [[[1.0]] * len(columns)]), JSON
    yield "an unknown content type", b"<rows/>", {"Content-Type": "application/xml"}
    yield "no content type", b"{}", {}
    yield "not UTF-8", b"\xff\xfe\x00", {"Content-Type": "text/csv"}
    yield "100 MB that are no JSON", b"x" * BODY, JSON
    row = json.dumps(good.iloc[0].tolist())
    rows = f"[{','.join([row] * (BODY // (len(row) + 1)))}]"
    yield (
        "100 MB of good rows",
        f'{{"dataframe_split":{{"columns":{json.dumps(columns)},"data":{rows}}}}}'.encode(),
        JSON,
    )


def _body(frame: pd.DataFrame) -> bytes:
    return f'{{"dataframe_split":{frame.to_json(orient="split", index=False, double_precision=15)}}}'.encode()


def _split_body(columns: list, data: list) -> bytes:
    return json.dumps({"dataframe_split": {"columns": columns, "data": data}}).encode()


def _post(port: int, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request("POST", "/invocations", body, headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


if __name__ == "__main__":
    main()
