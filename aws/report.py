"""What a person sees while it works: a line per step, with a spinner at a terminal."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from textwrap import fill

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from aws.planning.plan import RESULT_WIDTH, TITLE_WIDTH, Call, StepRecord


class Step:
    """One step under way. ``result`` is what stands in its line when it is done."""

    def __init__(self, title: str, console: Console, status: Status | None) -> None:
        self.title = title
        self.result = ""
        self.started = time.monotonic()
        self._console = console
        self._status = status
        self._shown = ""

    def show(self, state: str) -> None:
        """Say what the step waits for, and for how many minutes already; nothing is printed twice."""
        minutes = int(time.monotonic() - self.started) // 60
        state = f"{state} ({minutes} min)" if minutes else state
        if state == self._shown:
            return
        self._shown = state
        if self._status:
            self._status.update(f"{self.title}: {escape(state)}")
        else:
            self._console.print(f"  {self.title}: {state}", markup=False, highlight=False, soft_wrap=True)


class Report:
    """Prints steps with what they changed and how long they took; remembers what exists by now."""

    def __init__(self, console: Console, calls: Sequence[Call]) -> None:
        self.console = console
        self.done: list[StepRecord] = []
        self.under_way: Step | None = None
        self._calls = calls
        self._calls_before = 0

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """A step of the work; its line is printed when the block ends well."""
        self._calls_before = len(self._calls)
        status = self.console.status(f"{title}...") if self.console.is_terminal else None
        step = self.under_way = Step(title, self.console, status)
        if status:
            status.start()
        try:
            yield step
        finally:
            if status:
                status.stop()
        calls = self._calls_of_step()
        self.done.append(StepRecord(title, step.result, calls))
        self.under_way = None
        done = f"{_operations(calls) or 'unchanged'} ({time.monotonic() - step.started:.1f} s)"
        self.line(self._fitted(title, step.result, done))

    def _fitted(self, title: str, result: str, done: str) -> str:
        """In columns. At a terminal too narrow for that, closer, and on further lines; in a file always one line."""
        line = f"{title:<{TITLE_WIDTH}} {result:<{RESULT_WIDTH}} {done}"
        width = self.console.width
        if not self.console.is_terminal or len(line) <= width:
            return line
        line, indent = f"{title:<{TITLE_WIDTH}} {result}  {done}", " " * (TITLE_WIDTH + 1)
        return fill(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)

    def tell(self, state: str) -> None:
        """Say what the step under way has to wait for."""
        if self.under_way:
            self.under_way.show(state)

    def where(self) -> str:
        """What is done and what was under way, for someone whose run ended early."""
        done = "; ".join(f"{step.title} {step.result}".strip() for step in self.done) or "nothing"
        if self.under_way is None:
            return f"Done: {done}."
        made = _operations(self._calls_of_step())
        under_way = f"{self.under_way.title} {self.under_way.result}".strip()
        return f"Done: {done}. Under way: {under_way}{f' ({made} made)' if made else ''}."

    def _calls_of_step(self) -> tuple[Call, ...]:
        return tuple(self._calls[self._calls_before :])

    def line(self, text: str = "") -> None:
        """One line, as it is."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


def _operations(calls: Sequence[Call]) -> str:
    return ", ".join(dict.fromkeys(call.operation for call in calls))
