"""The cluster of a job: its hosts, ``algo-1`` to ``algo-n``, and the containers on them, watched to their common end.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

import subprocess
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any

from preflight.sagemaker.jobs.job import STOP_GRACE_SECONDS
from preflight.sagemaker.jobs.record import FAILURE_REASON_CHARACTERS, JobRecord
from preflight.sagemaker.launching.container import Container, ContainerSpec, Metering
from preflight.sagemaker.telemetry.cloudwatch import Source

HOMOGENEOUS_GROUP = "homogeneousCluster"  # what AWS calls the only group of a job without InstanceGroups
WATCH_SECONDS = 0.2
CUSTOMER_ERROR_EXIT_CODE = 2  # what the built-in algorithms exit with when the input is at fault


@dataclass(frozen=True)
class HostGroup:
    """``count`` instances of one type."""

    name: str
    instance_type: str
    count: int


@dataclass(frozen=True)
class Host:
    """One instance. ``folder`` is what its container sees as ``/opt/ml``."""

    name: str
    group: str
    instance_type: str
    folder: Path


@dataclass(frozen=True)
class Exit:
    """How the containers ended: the first exit code that is not 0 and its host, or 0."""

    code: int
    host: Host
    out_of_time: bool = False

    def failure_reason(self) -> str:
        """FailureReason from the failing host's failure file and exit code, in AWS's form."""
        try:
            with (self.host.folder / "output" / "failure").open(errors="replace") as failure:
                text = failure.read(FAILURE_REASON_CHARACTERS).strip()
        except OSError:
            text = ""
        kind = "ClientError" if text and self.code == CUSTOMER_ERROR_EXIT_CODE else "AlgorithmError"
        tail = f", exit code: {self.code}"
        return f"{kind}: {text}"[: FAILURE_REASON_CHARACTERS - len(tail)] + tail


def make_hosts(groups: Iterable[HostGroup], folder: Path) -> list[Host]:
    """The hosts of ``groups``, each with a folder of its own below ``folder``."""
    numbers = count(1)
    return [
        Host(name := f"algo-{next(numbers)}", group.name, group.instance_type, folder / name)
        for group in groups
        for _ in range(group.count)
    ]


def metering(job: JobRecord, namespace: str, host: Host) -> Metering:
    """Where CloudWatch learns what ``host`` of ``job`` uses."""
    return Metering(Source(job.scope, namespace, (("Host", f"{job.name}/{host.name}"),)), host.name)


def resource_configuration(host: Host, hosts: Sequence[Host]) -> dict[str, Any]:
    """What ``host`` finds in resourceconfig.json."""
    groups: dict[str, dict[str, Any]] = {}
    for each in hosts:
        group = {"instance_group_name": each.group, "instance_type": each.instance_type, "hosts": []}
        groups.setdefault(each.group, group)["hosts"].append(each.name)
    return {
        "current_host": host.name,
        "current_instance_type": host.instance_type,
        "current_group_name": host.group,
        "hosts": sorted(each.name for each in hosts),
        "instance_groups": list(groups.values()),
        "network_interface_name": "eth0",
    }


class Cluster:
    """The containers of one job, one a host."""

    def __init__(self, launch: Callable[[ContainerSpec], Container]) -> None:
        self._launch = launch
        self._hosts: list[Host] = []
        self._containers: list[Container] = []
        self._grace: float | None = None  # set once the containers are to end
        self._lock = threading.Lock()

    def launch(self, host: Host, spec: ContainerSpec) -> Container:
        """Start the container of ``host``; if the cluster is to end already, so does it."""
        container = self._launch(spec)
        with self._lock:
            self._hosts.append(host)
            self._containers.append(container)
            if self._grace is not None:
                container.terminate(self._grace)
        return container

    def watch(self, limit_seconds: float) -> Exit:
        """Wait until every container has ended, or one has failed that was not asked to end."""
        deadline = monotonic() + limit_seconds
        out_of_time = False
        while True:
            codes = [container.poll() for container in self._containers]
            failed = next((place for place, code in enumerate(codes) if code), None)
            if None not in codes:
                for container in self._containers:
                    container.wait()  # what it wrote is read
            if None not in codes or (failed is not None and self._grace is None):
                place = failed or 0
                return Exit(codes[place] or 0, self._hosts[place], out_of_time)
            if monotonic() >= deadline and not out_of_time:
                out_of_time = True
                self.terminate(STOP_GRACE_SECONDS)
            running = self._containers[codes.index(None)]
            try:
                running.wait(WATCH_SECONDS if out_of_time else max(0.0, min(WATCH_SECONDS, deadline - monotonic())))
            except subprocess.TimeoutExpired:
                continue

    def terminate(self, grace_seconds: float) -> None:
        """SIGTERM to every container, those that start later included; returns at once."""
        with self._lock:
            self._grace = grace_seconds
            for container in self._containers:
                container.terminate(grace_seconds)

    def end(self) -> None:
        """Stop what still runs, at once; returns when nothing does."""
        with self._lock:
            containers = list(self._containers)
        for container in containers:
            container.stop(0)
