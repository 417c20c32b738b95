"""Training with XGBoost on several hosts: each with its share of the rows, one model.

What scripts import as ``sagemaker_xgboost_container.distributed``, and what the built-in algorithm uses.
https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost-distributed-training.html
"""

from __future__ import annotations

import importlib
import json
import logging
import socket
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

PORT = 9099  # where the tracker listens, on the first host by name
PATIENCE_SECONDS = 15 * 60  # the hosts do not start at once
PAUSE_SECONDS = 0.1
CONNECT_TRIES = 30  # of the older library, which sleeps for twice as many seconds after each
LAST_SECONDS = 30

LOG = logging.getLogger(__name__)


class NoData(RuntimeError):
    """No host has rows to train on."""


def wait_hostname_resolution(sm_hosts: list[str]) -> None:
    """Return once every host's name is known. Raises OSError after a quarter of an hour."""
    for host in sm_hosts:
        _insist(lambda: socket.gethostbyname(host))  # noqa: B023 - called at once


def _wait_for(address: str, port: int) -> None:
    """Return once something listens there. Raises OSError after a quarter of an hour."""
    _insist(lambda: socket.create_connection((address, port), timeout=5).close())


def _insist(attempt: Callable[[], object]) -> None:
    """Try until it succeeds. Raises OSError, its last, after a quarter of an hour."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            attempt()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_SECONDS)


def rabit_run(
    exec_fun: Callable[..., Any],
    args: dict[str, Any],
    include_in_training: bool,
    hosts: list[str],
    current_host: str,
    first_port: int | None = None,
    second_port: int | None = None,
    max_connect_attempts: int | None = None,
    connect_retry_timeout: int = 3,
    update_rabit_args: bool = False,
) -> None:
    """Call ``exec_fun(**args)`` on every host that is to train, once they are joined.

    A host that has nothing to train on says so, and ends its process with exit code 0. With ``update_rabit_args`` the
    function also gets ``is_master``, true on one host, whose model is the job's.

    Raises:
        NoData: no host is to train.
    """
    first = first_port or PORT
    with Rabit(hosts, current_host, port=first) as everyone:
        said = everyone.synchronize({"host": current_host, "trains": bool(include_in_training)})
    training = sorted(each["host"] for each in said if each["trains"])
    if not training:
        raise NoData("No hosts received training data.")
    if not include_in_training:
        LOG.warning("Host %s not being used for distributed training.", current_host)
        sys.exit(0)
    with Rabit(training, current_host, port=second_port or first + 1) as cluster:
        exec_fun(**{**args, **({"is_master": cluster.is_master} if update_rabit_args else {})})


class Rabit:
    """``hosts`` joined for XGBoost's training while it is entered; the first by name is the master."""

    def __init__(
        self,
        hosts: list[str],
        current_host: str | None = None,
        master_host: str | None = None,
        port: int | None = None,
        max_connect_attempts: int | None = None,
        connect_retry_timeout: int = 3,
    ) -> None:
        self.current_host = current_host or "127.0.0.1"
        self.hosts = sorted(hosts)
        self.master_host = master_host or self.hosts[0]
        self.master_port = self.port = port or PORT
        self.is_master = self.is_master_host = self.current_host == self.master_host
        self._library = _library()
        self._tracker: Any = None

    def __enter__(self) -> Rabit:
        return self.start()

    def __exit__(self, kind: object, *exception: object) -> None:
        """What failed does not wait for the others; they see it end."""
        if kind is None:
            self.stop()

    def start(self) -> Rabit:
        if len(self.hosts) > 1:
            address = socket.gethostbyname(self.master_host)
            if self.is_master:
                self._tracker = self._library.start_tracker(address, self.port, len(self.hosts))
            self._library.join(address, self.port, len(self.hosts), self.hosts.index(self.current_host))
        return self

    def stop(self) -> None:
        if len(self.hosts) > 1:
            self._library.leave(self._tracker)

    @property
    def rank(self) -> int:
        return self._library.calls.get_rank() if len(self.hosts) > 1 else 0

    def synchronize(self, data: Any) -> list[Any]:
        """What every host says, in the order of their ranks; it has to be JSON."""
        if len(self.hosts) == 1:
            return [data]
        calls, text = self._library.calls, json.dumps(data)
        return [
            json.loads(calls.broadcast(text if rank == calls.get_rank() else None, rank))
            for rank in range(calls.get_world_size())
        ]


class _Collective:
    """XGBoost from 2.1 on, whose tracker is in the library itself."""

    def __init__(self) -> None:
        from xgboost import collective

        self.calls: Any = collective

    def start_tracker(self, address: str, port: int, count: int) -> Any:
        from xgboost.tracker import RabitTracker

        tracker = RabitTracker(n_workers=count, host_ip=address, port=port, sortby="task")
        tracker.start()
        return tracker

    def join(self, address: str, port: int, count: int, number: int) -> None:
        _wait_for(address, port)  # sooner than the library's own tries, which sleep for seconds
        self.calls.init(dmlc_tracker_uri=address, dmlc_tracker_port=port, dmlc_task_id=str(number))

    def leave(self, tracker: Any) -> None:
        self.calls.finalize()
        if tracker:
            tracker.wait_for(timeout=LAST_SECONDS)


class _Rabit:
    """XGBoost before that, whose tracker is Python code."""

    def __init__(self) -> None:
        self.calls: Any = importlib.import_module("xgboost.rabit")

    def start_tracker(self, address: str, port: int, count: int) -> Any:
        tracker = importlib.import_module("xgboost.tracker").RabitTracker(address, count, port)
        tracker.start(count)
        return tracker

    def join(self, address: str, port: int, count: int, number: int) -> None:
        settings: Mapping[str, object] = {
            "DMLC_NUM_WORKER": count,
            "DMLC_TRACKER_URI": address,
            "DMLC_TRACKER_PORT": port,
            "DMLC_TASK_ID": number,
            "DMLC_WORKER_CONNECT_RETRY": CONNECT_TRIES,
        }
        self.calls.init([f"{name}={value}".encode() for name, value in settings.items()])

    def leave(self, tracker: Any) -> None:
        self.calls.finalize()
        if tracker:
            tracker.join()


def _library() -> Any:
    import xgboost

    version = tuple(map(int, xgboost.__version__.split(".")[:2]))
    return _Collective() if version >= (2, 1) else _Rabit()
