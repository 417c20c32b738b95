"""A small HTTP load generator: keep-alive connections, one a client, closed loop."""

import http.client
import statistics
import threading
import time
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Target:
    """One request, sent again and again."""

    name: str
    url: str
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class Result:
    """Latencies in milliseconds, and requests per second over all clients."""

    p50: float
    p95: float
    requests_per_second: float
    requests: int

    @classmethod
    def of(cls, latencies_ms: list[float], requests_per_second: float) -> Self:
        latencies = sorted(latencies_ms)
        p95 = latencies[int(len(latencies) * 0.95)]
        return cls(statistics.median(latencies), p95, requests_per_second, len(latencies))


def measure(target: Target, clients: int, requests_per_client: int) -> Result:
    """Send the request from ``clients`` threads. Raises RuntimeError if one answer is not 200."""
    latencies, seconds = latencies_of(target, clients, requests_per_client)
    return Result.of(latencies, len(latencies) / seconds)


def latencies_of(target: Target, clients: int, requests_per_client: int) -> tuple[list[float], float]:
    """Of each request, in milliseconds; and the seconds that all took. Raises RuntimeError."""
    latencies: list[float] = []
    failures: list[str] = []

    def run() -> None:
        own = _send(target, requests_per_client, failures)
        latencies.extend(own)

    threads = [threading.Thread(target=run) for _ in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    if failures:
        raise RuntimeError(f"{target.name}: {failures[0]}")
    return latencies, seconds


def _send(target: Target, count: int, failures: list[str]) -> list[float]:
    parts = urlsplit(target.url)
    connection = http.client.HTTPConnection(parts.hostname or "localhost", parts.port, timeout=60)
    latencies = []
    for _ in range(count):
        started = time.perf_counter()
        connection.request("POST", parts.path, target.body, target.headers)
        answer = connection.getresponse()
        body = answer.read()
        latencies.append((time.perf_counter() - started) * 1000)
        if answer.status != 200:
            failures.append(f"{answer.status} {body[:200]!r}")
            break
    connection.close()
    return latencies
