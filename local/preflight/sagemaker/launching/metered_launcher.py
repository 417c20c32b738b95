"""MeteredLauncher: any launcher, whose containers' use of CPU, memory and disk is told each minute.

An instance that ends before its first minute is told of once, at its end, by the last look at it. The looks are few:
after a quarter of a second, a half, one, two, ... until the minute, then once a minute.
"""

import logging
import shutil
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from preflight.sagemaker.launching.container import Container, ContainerSpec, Launcher, Limits, Metering
from preflight.sagemaker.launching.instance_types import find_size
from preflight.sagemaker.telemetry.cloudwatch import MetricWriter, UtilizationMeasurement

LOG = logging.getLogger(__name__)
PERIOD_SECONDS = 60.0  # page: "Amazon SageMaker AI metrics in Amazon CloudWatch"
FIRST_LOOK_SECONDS = 0.25
END_SECONDS = 5.0
_MIB = 1 << 20


@dataclass
class _Instance:
    """``since`` and ``cpu_seconds`` are of what was told last; ``seen`` is what is not told yet."""

    metering: Metering
    folder: Path
    memory_bytes: int
    containers: list[Container]
    since: float = field(default_factory=time.monotonic)
    cpu_seconds: float = 0.0
    next_look: float = field(default_factory=lambda: time.monotonic() + FIRST_LOOK_SECONDS)
    is_told: bool = False
    seen: UtilizationMeasurement | None = None

    def look(self, now: float) -> bool:
        """Whether a minute is full, and what is seen is to be told."""
        usages = [usage for container in self.containers if (usage := container.usage())]
        is_full = now - self.since >= PERIOD_SECONDS
        self.next_look = now + min(PERIOD_SECONDS, max(FIRST_LOOK_SECONDS, now - self.since))
        self.next_look = self.next_look if is_full else min(self.next_look, self.since + PERIOD_SECONDS)
        if not usages:
            return False
        cpu_seconds = sum(usage.cpu_seconds for usage in usages)
        memory = sum(usage.memory_bytes for usage in usages)
        self.seen = UtilizationMeasurement(
            time.time(),
            self.metering.source,
            max(0.0, 100 * (cpu_seconds - self.cpu_seconds) / (now - self.since)),
            min(100.0, 100 * memory / self.memory_bytes),
            self._disk() if self.metering.has_disk else None,
        )
        if is_full:
            self.since, self.cpu_seconds = now, cpu_seconds
        return is_full

    def _disk(self) -> float | None:
        try:
            disk = shutil.disk_usage(self.folder)
        except OSError:  # it goes with its job
            return None
        return 100 * disk.used / disk.total


class MeteredLauncher:
    """``launcher`` does the work."""

    def __init__(self, launcher: Launcher, metrics: MetricWriter) -> None:
        self._launcher, self._metrics = launcher, metrics
        self.require_image, self.warning = launcher.require_image, launcher.warning
        self.fallback, self.limitation = launcher.fallback, launcher.limitation
        self._instances: dict[Metering, _Instance] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_over = threading.Event()

    def launch(self, spec: ContainerSpec) -> Container:
        container = self._launcher.launch(spec)
        if spec.metering:
            self._watch(spec, spec.metering, container)
        return container

    def close(self) -> None:
        self._is_over.set()
        if self._thread is not None:
            self._thread.join(END_SECONDS)
        self._launcher.close()

    def _watch(self, spec: ContainerSpec, metering: Metering, container: Container) -> None:
        with self._lock:
            if instance := self._instances.get(metering):
                instance.containers.append(container)
            else:
                self._instances[metering] = _Instance(metering, spec.folder, _memory(spec.limits), [container])
            if self._thread is None and not self._is_over.is_set():
                self._thread = threading.Thread(target=self._run, name="utilization", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._is_over.wait(FIRST_LOOK_SECONDS):
            with self._lock:
                if not self._instances:
                    self._thread = None
                    return
                instances = list(self._instances.values())
            for instance in instances:
                try:
                    self._follow(instance)
                except Exception:
                    LOG.exception("What %s uses is not told.", instance.metering.instance)

    def _follow(self, instance: _Instance) -> None:
        now = time.monotonic()
        with self._lock:
            instance.containers = [one for one in instance.containers if one.poll() is None]
            has_ended = not instance.containers
            if has_ended:
                del self._instances[instance.metering]
        if (has_ended and not instance.is_told) or (now >= instance.next_look and instance.look(now)):
            self._tell(instance)

    def _tell(self, instance: _Instance) -> None:
        if instance.seen:
            self._metrics.put(instance.seen)
        instance.is_told, instance.seen = True, None


def _memory(limits: Limits) -> int:
    """What the instance has; this machine's, of a type whose size is not known."""
    if limits.memory_mb:
        return limits.memory_mb * _MIB
    size = find_size(limits.instance_type)
    return size.memory_bytes if size else int(psutil.virtual_memory().total)
