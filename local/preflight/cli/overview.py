"""The screen of ``preflight status``: what is on a stack, and for scripts the same as JSON."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, OverflowMethod
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from preflight.cli.inventory import FAILED, RUNNING, Execution, Inventory, Item, Url
from preflight.cli.step_graph import NOT_STARTED, StepNode, others_of, parent_of
from preflight.stack import Stack

WIDTH_OF_NO_TERMINAL = 200
LEAST_WIDTH_OF_LAST = 16

_STOPPED = ("Stopped", "NotExecuted")
_MARKS = {"running": "●", "failed": "✘", "stopped": "■", "waiting": "○", "done": "✔"}
_PLAIN_MARKS = {"running": "*", "failed": "x", "stopped": "-", "waiting": ".", "done": "+"}
_STYLES = {"running": "cyan", "failed": "red", "stopped": "yellow", "waiting": "dim", "done": "green"}
_TIMES = ("created", "ended", "modified", "started")


def show(inventory: Inventory) -> None:
    """Section by section; those that have nothing are left out."""
    console = _console()
    look = _Look(console)
    if not any((inventory.jobs, inventory.endpoints, inventory.functions, inventory.urls, inventory.executions)):
        console.print('Nothing runs here yet. In a shell: eval "$(preflight env)"; then any AWS client talks to it.')
        return
    look.section("Jobs", [look.item(job) for job in inventory.jobs])
    look.section("Endpoints", [look.item(endpoint, kind=False) for endpoint in inventory.endpoints])
    look.section(
        "Functions",
        [(Text(each.name), Text(each.runtime), look.age(each.modified)) for each in inventory.functions],
    )
    look.urls(inventory.urls)
    look.executions(inventory.executions)
    if hidden := [f"{count} more {what}" for what, count in inventory.more.items() if count]:
        console.print(Text(f"\n{', '.join(hidden)}: preflight status --all", "dim"))


def as_data(inventory: Inventory) -> dict[str, Any]:
    """For JSON: times in ISO 8601."""
    data: dict[str, Any] = _dated(asdict(inventory))
    data.pop("more")
    return data


def _dated(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: datetime.fromtimestamp(member, UTC).isoformat(timespec="milliseconds")
            if name in _TIMES and member is not None
            else _dated(member)
            for name, member in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_dated(member) for member in value]
    return value


class _Look:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._marks = _PLAIN_MARKS if console.options.ascii_only else _MARKS
        self._overflow: OverflowMethod = "crop" if console.options.ascii_only else "ellipsis"
        self._now = time.time()

    def section(self, title: str, rows: Sequence[tuple[Text, ...]]) -> None:
        """A title, and below it a line for each row; two, where names leave no room for what is said of them.

        The last column is cut where the screen ends.
        """
        if not rows:
            return
        self._title(title)
        before = sum(max(row[column].cell_len for row in rows) + 2 for column in range(len(rows[0]) - 1))
        left = self._console.width - before - 2
        if left < LEAST_WIDTH_OF_LAST:
            for *name, status, last in rows:
                self._console.print(Text("  ") + Text("  ").join(name), soft_wrap=True)  # in one piece
                said = Text("      ") + Text("  ").join((status, last))
                said.truncate(self._console.width, overflow=self._overflow)
                self._console.print(said)
            return
        grid = Table.grid(padding=(0, 2, 0, 0))
        for row in rows:
            row[-1].truncate(left, overflow=self._overflow)
            grid.add_row(Text(""), *row)
        self._console.print(grid)

    def item(self, item: Item, *, kind: bool = True) -> tuple[Text, ...]:
        took = f", {_span(item.ended - item.created)}" if item.ended else ""
        when = self.age(item.created, took)
        if item.note:
            when = Text(item.note, "red" if item.status in FAILED else "dim", no_wrap=True, overflow=self._overflow)
        name = Text(item.name, overflow="fold")
        mark = self.mark(item.status) + Text(" ")
        head = (mark + Text(item.kind), name) if kind else (mark + name,)
        return (*head, self._word(item.status), when)

    def urls(self, urls: Sequence[Url]) -> None:
        """Each in one piece, however long, to be copied."""
        if urls:
            self._title("URLs")
        for each in urls:
            self._console.print(Text(f"  {each.method:4}  {each.url}"), soft_wrap=True)

    def age(self, since: float, more: str = "") -> Text:
        return Text(f"{_span(self._now - since)} ago{more}", "dim", no_wrap=True)

    def executions(self, executions: Sequence[Execution]) -> None:
        if not executions:
            return
        self._title("Pipelines")
        for execution in executions:
            line = Text.assemble("  ", self.mark(execution.item.status), " ", (execution.pipeline, "bold"), "  ")
            line += Text(f"{execution.item.name}  ") + self._word(execution.item.status) + Text("  ")
            line += self.item(execution.item)[-1]
            line.no_wrap, line.overflow = True, self._overflow
            self._console.print(line)
            if execution.steps:
                self._console.print(self._tree(execution.steps))

    def mark(self, status: str) -> Text:
        state = _state(status)
        return Text(self._marks[state], _STYLES[state], no_wrap=True)

    def _title(self, title: str) -> None:
        self._console.print(Text(f"\n{title}", "bold"))

    def _word(self, status: str) -> Text:
        return Text(status, _STYLES[_state(status)], no_wrap=True)

    def _tree(self, steps: Sequence[StepNode]) -> Table:
        """Each step below the last of those that it waits for; of others it says so."""
        parents = parent_of(steps)
        root = Tree("", hide_root=True, guide_style="dim")
        branches: dict[str | None, Tree] = {None: root}

        def add(below: str | None) -> None:
            for step in steps:
                if parents[step.name] == below:
                    branches[step.name] = branches[below].add(self._step(step, below, others_of(steps, step, below)))
                    add(step.name)

        add(None)
        grid = Table.grid(padding=0)
        grid.add_row("    ", root)
        return grid

    def _step(self, step: StepNode, below: str | None, others: Sequence[str]) -> Text:
        condition = {True: "if: ", False: "else: ", None: ""}[step.branch if below == step.condition else None]
        took = _span(step.ended - step.started) if step.started and step.ended else ""
        after = f"after {', '.join(others)} too" if others else ""
        rest = "  ".join(filter(None, (step.type, took, after)))
        line = Text.assemble((condition, "dim"), self.mark(step.status), f" {step.name}  ", (rest, "dim"))
        if step.note:
            line.append(f"  {step.note}", "red" if step.status in FAILED else "dim")
        line.no_wrap, line.overflow = True, self._overflow
        return line


def _state(status: str) -> str:
    if status in RUNNING or status == "Starting":
        return "running"
    if status in FAILED:
        return "failed"
    if status == NOT_STARTED:
        return "waiting"
    return "stopped" if status in _STOPPED else "done"


def _span(seconds: float) -> str:
    """A span of time as a person says it."""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    for limit, unit, size in ((120, "s", 1), (7200, "min", 60), (172_800, "h", 3600)):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"


def show_services(stack: Stack, health: Mapping[str, str]) -> None:
    """Which of AWS's services are here, how jobs run, and what runs functions."""
    console = _console()
    limits = stack.launcher_limitation() or "Every job and endpoint has an /opt/ml of its own."
    console.print(f"\n{limits} The stack's log: {stack.log_file}", markup=False, soft_wrap=True)
    services = {name: state for name, state in sorted(health.items()) if state != "disabled"}
    refused = {name: f"refused: {reason}" for name, reason in stack.refused_services().items()}
    _print_pairs(console, "Services", services | refused)
    _print_pairs(console, "Functions' runtimes", stack.function_runtimes())


def _print_pairs(console: Console, title: str, pairs: Mapping[str, str]) -> None:
    if not pairs:
        return
    console.print(Text(f"\n{title}", "bold"))
    grid = Table.grid(padding=(0, 2, 0, 0))
    for name, what in pairs.items():
        grid.add_row("", Text(name, no_wrap=True), Text(what))
    console.print(grid)


def _console() -> Console:
    """As wide as the terminal; what is piped into a file or another program is not cut."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH_OF_NO_TERMINAL)
