"""The stack as a process of this machine: no Docker needed."""

import contextlib
import fcntl
import os
import shutil
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from preflight.environments import EnvironmentProblem, Say, silent, stack_python
from preflight.sagemaker.launching.ports import free_port
from preflight.sagemaker.launching.process.guarded_process import GuardedProcess
from preflight.stack import STOP_TIMEOUT_SECONDS, Stack
from preflight.testing.handle import StackHandle, StackUnavailable

_PREFIX = "preflight-"
_LOCK = "in-use"  # locked as long as whoever made the folder lives


class StackProcess(StackHandle):
    """A stack of its own on a free port, with a temporary folder; use it as a context manager.

    It ends with this process, in whatever way that ends. ``say`` gets a line for each step of the first set-up.
    """

    def __init__(self, say: Say = silent) -> None:
        self.say = say
        self.port = free_port()
        self._process: GuardedProcess | None = None
        self._home: Path | None = None
        self._lock: IO[bytes] | None = None

    @property
    def stack(self) -> Stack:
        """What the command line knows of it, while it runs."""
        assert self._home is not None
        return Stack(port=self.port, home=self._home)

    @property
    def endpoint_url(self) -> str:
        return f"http://localhost:{self.port}"

    def stack_log(self) -> str:
        return (self._home / "stack.log").read_text(errors="replace") if self._home else ""

    def start(self) -> Self:
        """Return once the stack answers; the first time ever, what it runs in is set up before.

        Raises:
            StackUnavailable: what it runs in cannot be set up, or it did not start; the last lines of its log are told.
        """
        try:
            stack_python(self.say)
        except EnvironmentProblem as problem:
            raise StackUnavailable(str(problem)) from None
        _remove_what_killed_ones_left()
        home = self._home = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._lock = _locked(home)
        command = [sys.executable, "-m", "preflight", "run", "--ephemeral", "--port", str(self.port)]
        environment = os.environ | {"PREFLIGHT_HOME": str(home)}
        try:
            with (home / "stack.log").open("wb") as log:
                self._process = process = GuardedProcess.start(
                    command, env=environment, stdout=log, orphan_grace_seconds=2 * STOP_TIMEOUT_SECONDS
                )
            self.wait_until_up(lambda: process.poll() is not None)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop it and all it started. Can be called again."""
        process, self._process = self._process, None
        if process is not None:
            process.stop(2 * STOP_TIMEOUT_SECONDS)
        home, self._home = self._home, None
        if home is not None:
            shutil.rmtree(home)
            if self._lock is not None:
                self._lock.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def _locked(home: Path) -> IO[bytes]:
    lock = (home / f"{_LOCK}.new").open("wb")
    fcntl.flock(lock, fcntl.LOCK_EX)
    (home / f"{_LOCK}.new").rename(home / _LOCK)  # nobody finds it before it is locked
    return lock


def _remove_what_killed_ones_left() -> None:
    """Remove the folders of test runs that were killed, as soon as their stacks have ended, too."""
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        with contextlib.suppress(OSError), lock.open("rb") as opened:  # in use, somebody else's, or just removed
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not any(stack.process() for stack in Stack.all_of(lock.parent)):
                shutil.rmtree(lock.parent)
