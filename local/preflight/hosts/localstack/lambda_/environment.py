"""An execution environment: a function's process that stays warm, is replaced when it ends, and reports.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from preflight.hosts.localstack.lambda_ import report as report
from preflight.hosts.localstack.lambda_.process import (
    Event,
    FunctionProcess,
    InitError,
    OutOfMemory,
    ProcessEnded,
    ResponseTooLarge,
)
from preflight.hosts.localstack.lambda_.report import Outcome

INIT_TIMEOUT_SECONDS = 10  # AWS's limit for the init phase; what takes longer is tried again in the invocation


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a function's runs; the version is shown in its log."""

    timeout_seconds: int
    memory_mebibytes: int
    max_response_bytes: int
    version: str


class ExecutionEnvironment:
    """Runs one invocation at a time; ``close`` during one takes effect at its end, and then ``on_closed``."""

    def __init__(
        self,
        limits: Limits,
        *,
        start_process: Callable[[], FunctionProcess],
        on_closed: Callable[[], None],
        write_log: Callable[[str], None],
        code_state: Callable[[], object],
        first_line: str,
    ) -> None:
        """``write_log`` gets the log of each invocation, in parts if it runs longer than a moment.

        A process of another ``code_state`` than today's is replaced. ``first_line`` begins the log.
        """
        self._limits = limits
        self._start_process = start_process
        self._on_closed = on_closed
        self._write_log = write_log
        self._get_code_state = code_state
        self._code_state: object = None
        self._process: FunctionProcess | None = None
        self._init_milliseconds: float | None = None
        self._kept_output = first_line
        self._in_use = threading.Lock()
        self._is_closing = False

    def initialize(self) -> None:
        """Start the process and load the function's module.

        A failure shows in the first invocation, which tries once more, as on AWS.
        """
        with self._in_use:
            started = time.monotonic()
            error_type = ""
            try:
                self._make_ready(started + INIT_TIMEOUT_SECONDS)
            except InitError as error:
                error_type = report.init_failed(error.payload).error_type
            except ProcessEnded as error:
                error_type = report.exited("", error.returncode).error_type
            except OutOfMemory:
                error_type = report.out_of_memory("").error_type
            except TimeoutError:
                error_type = "Sandbox.Timedout"
            milliseconds = (time.monotonic() - started) * 1000
            if error_type:
                self._end_process()
                self._kept_output += report.init_report(milliseconds, error_type)
            else:
                self._init_milliseconds = milliseconds
        self._close_if_asked()

    def invoke(self, event: Event) -> tuple[Outcome, str]:
        """Run the handler; return its outcome and its log, from START to REPORT.

        Never raises for what the function does.
        """
        try:
            with self._in_use:
                return self._invoke(event)
        finally:
            self._close_if_asked()

    def close(self, *, is_abort: bool = False) -> None:
        """End the process: with the invocation that is running, or at once as an abort."""
        self._is_closing = True
        process = self._process
        if is_abort and process is not None:
            process.kill()
        self._close_if_asked()

    def _invoke(self, event: Event) -> tuple[Outcome, str]:
        log = self._take_output() + report.start(event.request_id, self._limits.version)
        written = 0

        def add_lines(lines: str) -> None:
            nonlocal log
            log += lines
            write()

        def write() -> None:
            nonlocal written
            self._write_log(log[written:])
            written = len(log)

        started = time.monotonic()
        outcome = self._run(event, started + self._limits.timeout_seconds, add_lines)
        milliseconds = (time.monotonic() - started) * 1000
        memory_bytes = self._process.peak_memory_bytes() if self._process else 0
        if outcome.ends_process:
            self._end_process()
        log += self._take_output() + outcome.log_line
        if not log.endswith("\n"):
            log += "\n"
        log += report.end(
            event.request_id,
            outcome,
            milliseconds=milliseconds,
            memory_bytes=memory_bytes,
            memory_mebibytes=self._limits.memory_mebibytes,
            init_milliseconds=self._init_milliseconds,
        )
        self._init_milliseconds = None
        write()
        return outcome, log

    def _run(self, event: Event, deadline: float, on_lines: Callable[[str], None]) -> Outcome:
        max_response_bytes = self._limits.max_response_bytes
        try:
            answer = self._make_ready(deadline).invoke(
                event, deadline=deadline, max_response_bytes=max_response_bytes, on_lines=on_lines
            )
        except InitError as error:
            return report.init_failed(error.payload)
        except ProcessEnded as error:
            return report.exited(event.request_id, error.returncode)
        except OutOfMemory:
            return report.out_of_memory(event.request_id)
        except TimeoutError:
            return report.timed_out(event.request_id, self._limits.timeout_seconds)
        except ResponseTooLarge:
            return report.response_too_large(max_response_bytes)
        return Outcome(answer.payload, is_error=answer.is_error)

    def _make_ready(self, deadline: float) -> FunctionProcess:
        """Return a process that has loaded the function, a new one if need be."""
        code_state = self._get_code_state()
        if self._process is not None and (code_state != self._code_state or not self._process.is_ready_again(deadline)):
            self._end_process()
        if self._process is None:
            self._code_state = code_state
            self._process = self._start_process()
            self._process.wait_until_ready(deadline)
        return self._process

    def _end_process(self) -> None:
        if self._process is not None:
            self._process.close()
            self._kept_output += self._process.take_output()
            self._process = None

    def _take_output(self) -> str:
        output, self._kept_output = self._kept_output, ""
        return output + self._process.take_output() if self._process else output

    def _close_if_asked(self) -> None:
        # Whoever has the environment looks again after giving it back, so one of the two always sees the wish.
        if self._is_closing and self._in_use.acquire(blocking=False):
            try:
                self._end_process()
                self._on_closed()
            finally:
                self._in_use.release()
