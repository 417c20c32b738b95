"""``python -m benchmarks.state``: what it costs to keep many objects of S3: a save, and a start with them.

Starts with and without state take turns, so that their ratio is one of the same minutes.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import click
import psutil
import requests
from botocore.config import Config
from rich.console import Console
from rich.table import Table

from preflight.sagemaker.launching.ports import free_port
from preflight.stack import Stack

AT_ONCE = 8
BUCKET = "many"

console = Console(soft_wrap=True)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--objects", default=10_000, show_default=True)
@click.option("--rounds", default=5, show_default=True, help="How often each kind of start is measured.")
def main(objects: int, rounds: int) -> None:
    """Store objects, then measure a save, and starts with what is kept and without."""
    with tempfile.TemporaryDirectory() as home:
        stack = Stack(port=free_port(), home=Path(home))
        empty = replace(stack, ephemeral=True)
        stack.up()
        try:
            seconds = _timed(lambda: _store(stack, objects))
            console.print(f"{objects} objects stored in {seconds:.1f} s.")
            saves = [_save_seconds(stack) for _ in range(rounds)]
            console.print(f"A save takes {', '.join(f'{each:.2f}' for each in saves)} s.")
            stack.down()
            kinds = {"without state": empty, "with it": stack}
            starts: dict[str, list[Start]] = {name: [] for name in kinds}
            for _ in range(rounds):
                for name, kind in kinds.items():
                    starts[name].append(Start.of(kind))
            table = Table("", "median s", "least", "most")
            _add(table, "save", saves)
            for name, found in starts.items():
                _add(table, f"start {name}", [start.seconds for start in found])
                _add(table, f"start {name}: CPU", [start.cpu_seconds for start in found])
                _add(table, f"first request of S3 {name}: CPU", [start.request_cpu_seconds for start in found])
            console.print(table)
            pairs = list(zip(starts["with it"], starts["without state"], strict=True))
            _show_ratio("Start with over without", [one.seconds / other.seconds for one, other in pairs])
            _show_ratio("Its CPU", [one.cpu_seconds / other.cpu_seconds for one, other in pairs])
        finally:
            stack.down(forget=True)


@dataclass(frozen=True)
class Start:
    """Of a stack: how long it takes, and what CPU its process needs for it and then for S3's first answer."""

    seconds: float
    cpu_seconds: float
    request_cpu_seconds: float

    @classmethod
    def of(cls, stack: Stack) -> "Start":
        seconds = _timed(stack.up)
        process = stack.process()
        assert process is not None
        up = _cpu_seconds(process)
        _client(stack).list_buckets()
        answered = _cpu_seconds(process)
        stack.down()
        return cls(seconds, up, answered - up)


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _add(table: Table, name: str, found: list[float]) -> None:
    table.add_row(name, f"{statistics.median(found):.2f}", f"{min(found):.2f}", f"{max(found):.2f}")


def _show_ratio(name: str, ratios: list[float]) -> None:
    console.print(f"{name}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def _store(stack: Stack, count: int) -> None:
    s3 = _client(stack)
    s3.create_bucket(Bucket=BUCKET)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda number: s3.put_object(Bucket=BUCKET, Key=f"k/{number:06}", Body=b"x" * 100), range(count)))


def _save_seconds(stack: Stack) -> float:
    """What one save of the objects takes, which one more object leads to."""
    store = stack.state_folder / "services" / "s3" / "s3.store"
    before = store.stat().st_mtime_ns
    _client(stack).put_object(Bucket=BUCKET, Key="one more", Body=b"")
    while store.stat().st_mtime_ns == before:
        time.sleep(0.05)
    time.sleep(0.2)  # until it is told
    told = requests.get(f"{stack.endpoint_url}/_preflight/state", timeout=60).json()
    return float(told["seconds"]["s3"])


def _timed(do: Callable[[], object]) -> float:
    started = time.monotonic()
    do()
    return time.monotonic() - started


def _client(stack: Stack) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    return boto3.client("s3", endpoint_url=stack.endpoint_url, config=Config(max_pool_connections=AT_ONCE), **keys)


if __name__ == "__main__":
    main()
