"""``python -m benchmarks.state``: what it costs to keep many objects of S3: a save, and a start with them.

Starts with and without state take turns, so that their ratio is one of the same minutes.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import click
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
            table = Table("", "median s", "least", "most")
            starts: dict[str, list[float]] = {"start without state": [], "start with it": [], "first list": []}
            for _ in range(rounds):
                starts["start without state"].append(_timed(empty.up))
                empty.down()
                starts["start with it"].append(_timed(stack.up))
                starts["first list"].append(_timed(lambda: _client(stack).list_objects_v2(Bucket=BUCKET)))
                stack.down()
            for name, found in {"save": saves, **starts}.items():
                table.add_row(name, f"{statistics.median(found):.2f}", f"{min(found):.2f}", f"{max(found):.2f}")
            console.print(table)
            pairs = zip(starts["start with it"], starts["start without state"], strict=True)
            ratios = sorted(one / other for one, other in pairs)
            console.print(
                f"Start with over without: {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
            )
        finally:
            stack.down(forget=True)


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
