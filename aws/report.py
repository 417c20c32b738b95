"""What a person sees while it works: a line per step, with a spinner at a terminal."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from aws.client import Change


class Step:
    """One step under way. ``result`` is what stands in its line when it is done."""

    def __init__(self, title: str, console: Console, status: Status | None) -> None:
        self.title = title
        self.result = ""
        self._console = console
        self._status = status
        self._shown = ""

    def show(self, state: str) -> None:
        """Say what the step waits for; nothing is printed twice."""
        if state == self._shown:
            return
        self._shown = state
        if self._status:
            self._status.update(f"{self.title}: {escape(state)}")
        else:
            self._console.print(f"  {self.title}: {state}", markup=False, highlight=False)


class Report:
    """Prints steps with what they changed and how long they took; remembers what exists by now."""

    def __init__(self, console: Console, changes: Sequence[Change]) -> None:
        self.console = console
        self.done: list[str] = []
        self.under_way: Step | None = None
        self._changes = changes

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """A step of the work; its line is printed when the block ends well."""
        started, changes_before = time.monotonic(), len(self._changes)
        status = self.console.status(f"{title}...") if self.console.is_terminal else None
        step = self.under_way = Step(title, self.console, status)
        if status:
            status.start()
        try:
            yield step
        finally:
            if status:
                status.stop()
        operations = dict.fromkeys(change.operation for change in self._changes[changes_before:])
        self.done.append(f"{title} {step.result}".strip())
        self.under_way = None
        line = f"{title:<19} {step.result:<50} {', '.join(operations) or 'unchanged'}"
        self.line(f"{line} ({time.monotonic() - started:.1f} s)")

    def where(self) -> str:
        """What is done and what was under way, for someone who interrupts."""
        done = "; ".join(self.done) or "nothing"
        if self.under_way is None:
            return f"Done: {done}."
        return f"Done: {done}. Under way: {self.under_way.title} {self.under_way.result}".rstrip() + "."

    def line(self, text: str = "") -> None:
        """One line, as it is."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)
