"""What serving costs: both containers beside a bare Flask app that answers a constant under the same server.

    python benchmarks/serving.py [--seconds 2]

Prints p50 in milliseconds and requests per second for one row and a thousand rows per request, with 1, 8 and 32
clients that keep their connections, and the ratio of each p50 to the bare app's.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

FEATURES = 22
TRAIN_ROWS = 5000
CLIENTS = (1, 8, 32)
ROWS = (1, 1000)
DEADLINE_SECONDS = 60

BARE_APP = """
import logging, os, waitress
from flask import Flask, Response, request
app = Flask(__name__)
@app.post("/invocations")
def invoke():
    request.get_data(cache=False)
    return Response(b"0", mimetype="text/csv")
logging.getLogger("waitress.queue").setLevel(logging.ERROR)
waitress.serve(app, host="127.0.0.1", port=int(os.environ["SAGEMAKER_BIND_TO_PORT"]), threads=4,
               connection_limit=1000, inbuf_overflow=1 << 27, _quiet=True)
"""
HYPERPARAMETERS = {
    "linear-learner": {"predictor_type": "binary_classifier"},
    "xgboost": {"num_round": "100", "objective": "binary:logistic"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each figure is measured (default 2)")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        bases = {algorithm: _trained(Path(folder) / algorithm, algorithm) for algorithm in HYPERPARAMETERS}
        print(f"{'rows':>5} {'clients':>7}  {'server':<15} {'p50 ms':>8} {'requests/s':>11} {'p50 / bare':>11}")
        for rows in ROWS:
            body = _csv(rows, labelled=False)
            for clients in CLIENTS:
                _compare(bases, body, rows, clients, seconds)


def _compare(bases: dict[str, Path], body: bytes, rows: int, clients: int, seconds: float) -> None:
    bare_p50 = None
    for name in ("bare Flask", *bases):
        with _serving(bases.get(name)) as port:
            p50, rate = _measure(port, body, clients, seconds)
        bare_p50 = bare_p50 or p50
        print(f"{rows:>5} {clients:>7}  {name:<15} {p50 * 1000:>8.2f} {rate:>11.0f} {p50 / bare_p50:>10.2f}x")


def _measure(port: int, body: bytes, clients: int, seconds: float) -> tuple[float, float]:
    """(p50 in seconds, requests per second); the clients are spread over two processes."""
    processes = min(clients, 2)
    with multiprocessing.Pool(processes) as pool:
        shares = [(port, body, clients // processes, seconds)] * processes
        latencies = [latency for share in pool.starmap(_client_process, shares) for latency in share]
    return statistics.median(latencies), len(latencies) / seconds


def _client_process(port: int, body: bytes, clients: int, seconds: float) -> list[float]:
    """The latencies that some clients of one process saw; each sends its next request when the last is answered."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(clients) as executor:
        runs = [executor.submit(_client, port, body, seconds) for _ in range(clients)]
        return [latency for run in runs for latency in run.result()]


def _client(port: int, body: bytes, seconds: float) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    latencies = []
    end = time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        connection.request("POST", "/invocations", body, {"Content-Type": "text/csv"})
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            raise RuntimeError(f"the server answered {response.status}")
        latencies.append(time.perf_counter() - start)
    connection.close()
    return latencies


@contextmanager
def _serving(base: Path | None) -> Iterator[int]:
    """The port of a running server: the container on `base`, or the bare app without one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["-m", "container", "serve"] if base else ["-c", BARE_APP]
    environment = {"SAGEMAKER_BIND_TO_PORT": str(port), "PREFLIGHT_BIND_ADDRESS": "127.0.0.1"}
    if base:
        environment["SAGEMAKER_BASE_DIR"] = str(base)
    process = subprocess.Popen([sys.executable, *command], env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    with ExitStack() as stack:
        stack.callback(process.wait)
        stack.callback(process.send_signal, signal.SIGTERM)
        _wait(port, process)
        yield port


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except ConnectionError:
            time.sleep(0.02)
    raise SystemExit("the server did not start")


def _trained(base: Path, algorithm: str) -> Path:
    """A base folder with a model trained on random rows."""
    config, channel = base / "input/config", base / "input/data/train"
    config.mkdir(parents=True)
    channel.mkdir(parents=True)
    (channel / "train.csv").write_bytes(_csv(TRAIN_ROWS, labelled=True))
    (config / "hyperparameters.json").write_text(json.dumps(HYPERPARAMETERS[algorithm]))
    (config / "inputdataconfig.json").write_text(json.dumps({"train": {"ContentType": "text/csv"}}))
    environment = {"SAGEMAKER_BASE_DIR": str(base), "PREFLIGHT_ALGORITHM": algorithm}
    subprocess.run(
        [sys.executable, "-m", "container", "train"],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return base


def _csv(rows: int, *, labelled: bool) -> bytes:
    numbers = random.Random(0)
    lines = []
    for _ in range(rows):
        features = [numbers.randint(0, 5) for _ in range(FEATURES)]
        label = [int(sum(features) + numbers.gauss(0, 5) > 2.5 * FEATURES)] if labelled else []
        lines.append(",".join(map(str, label + features)))
    return "\n".join(lines).encode()


if __name__ == "__main__":
    main()
