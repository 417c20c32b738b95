"""What one row costs, layer by layer: latency, requests per second, and whose CPU a request takes.

Each figure is the median of a few rounds, in which all targets take turns; its spread stands beside it. Time on a busy
machine says little: then compare CPU time, and the ratios, which are of one run.
"""

import os
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks import load, wrk
from benchmarks.load import Result, Target

CLIENTS = (1, 8)
WARM_REQUESTS = 100


@dataclass(frozen=True)
class Figures:
    """Of one target and a number of clients. ``cpu_ms`` is of one request, by the kind of process that takes it."""

    name: str
    clients: int
    p50: list[float] = field(default_factory=list)
    p95: list[float] = field(default_factory=list)
    requests_per_second: list[float] = field(default_factory=list)
    cpu_ms: dict[str, list[float]] = field(default_factory=dict)
    load_average: list[float] = field(default_factory=list)

    def add(self, result: Result, cpu_seconds: Mapping[str, float]) -> None:
        self.p50.append(result.p50)
        self.p95.append(result.p95)
        self.requests_per_second.append(result.requests_per_second)
        self.load_average.append(os.getloadavg()[0])
        for kind, seconds in cpu_seconds.items():
            self.cpu_ms.setdefault(kind, []).append(seconds * 1000 / result.requests)

    def plain(self) -> dict[str, object]:
        """As JSON has it."""
        return asdict(self)


def measure(targets: list[Target], stack: psutil.Process, *, seconds: int, rounds: int) -> list[Figures]:
    """All targets, round by round. wrk sends where it is installed, else this program."""
    for target in targets:
        load.measure(target, max(CLIENTS), WARM_REQUESTS)
    figures = {(target.name, clients): Figures(target.name, clients) for clients in CLIENTS for target in targets}
    for _ in range(rounds):
        for clients in CLIENTS:
            for target in targets:
                before = _cpu_seconds(stack)
                result = _send(target, clients, seconds)
                after = _cpu_seconds(stack)
                figures[target.name, clients].add(result, {kind: after[kind] - before[kind] for kind in after})
    return list(figures.values())


def _send(target: Target, clients: int, seconds: int) -> Result:
    if wrk.is_installed():
        return wrk.measure(target, clients, seconds)
    return load.measure(target, clients, seconds * 200 // clients)


def _cpu_seconds(stack: psutil.Process) -> dict[str, float]:
    """What the stack, the containers that serve, and the functions have taken so far."""
    seconds = {"stack": 0.0, "container": 0.0, "function": 0.0}
    for process in _processes(stack):
        try:
            command, times = process.cmdline(), process.cpu_times()
        except psutil.Error:  # it has ended
            continue
        kind = "container" if "preflight_container" in command else "function" if "awslambdaric" in command else ""
        if process == stack:
            kind = "stack"
        if kind:
            seconds[kind] += times.user + times.system
    return seconds


def _processes(stack: psutil.Process) -> Iterator[psutil.Process]:
    yield stack
    yield from stack.children(recursive=True)


def show(console: Console, figures: list[Figures], earlier: Mapping[tuple[str, int], Figures]) -> None:
    """Print the table; with ``earlier`` figures the ratios to them, too."""
    columns = ["one row", "clients", "p50 ms", "p95 ms", "requests/s", "p50 over the one above"]
    columns += ["CPU ms: stack", "container", "function", "load"]
    table = Table(*columns, *(["requests/s, p50, CPU of the stack: times the earlier"] if earlier else []))
    above: dict[int, float] = {}
    for one in figures:
        p50 = statistics.median(one.p50)
        over = f"{p50 - above[one.clients]:+.2f}" if one.clients in above else ""
        above[one.clients] = p50
        cells = [one.name, str(one.clients), _shown(one.p50, 2), _shown(one.p95, 2), _shown(one.requests_per_second, 0)]
        cells += [over, *(_shown(one.cpu_ms[kind], 2) for kind in ("stack", "container", "function"))]
        cells.append(f"{statistics.median(one.load_average):.1f}")
        before = earlier.get((one.name, one.clients))
        table.add_row(*cells, *([_ratios(one, before)] if before else []))
    console.print(table)


def _shown(values: list[float], digits: int) -> str:
    """The median, and the half of what lies between the least and the most."""
    return f"{statistics.median(values):.{digits}f} ±{(max(values) - min(values)) / 2:.{digits}f}"


def _ratios(now: Figures, before: Figures) -> str:
    pairs = [
        (now.requests_per_second, before.requests_per_second),
        (now.p50, before.p50),
        (now.cpu_ms["stack"], before.cpu_ms["stack"]),
    ]
    return ", ".join(_ratio(statistics.median(new), statistics.median(old)) for new, old in pairs)


def _ratio(new: float, old: float) -> str:
    return f"{new / old:.2f}x" if old else "-"
