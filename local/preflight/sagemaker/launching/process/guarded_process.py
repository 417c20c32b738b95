"""A child process that ends when we do, however we end."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

from preflight.sagemaker.settings import STACK_MARK

GUARD = Path(__file__).with_name("guard.py")


@dataclass(frozen=True, kw_only=True)
class View:
    """How a command sees the machine's folders; the machine itself never sees them so.

    ``binds`` are folders by the paths they are shown at, which need not exist. What the command writes below a folder
    of ``overlays`` goes into the empty folder beside it there. Each path of ``tmpfs`` is an empty folder in memory that
    takes so many bytes; only the ``binds`` below it are seen in it. ``files`` are read where other files are, by those
    files' paths. Nothing is written below the ``binds`` that are ``read_only``. ``hostname`` is what it is told of this
    machine. ``directory`` is where it starts, as it sees it.
    Linux only, and not everywhere there: ``private_folders.py`` finds out.
    """

    binds: Mapping[str, Path] = field(default_factory=dict)
    overlays: Mapping[Path, Path] = field(default_factory=dict)
    tmpfs: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    read_only: Sequence[str] = ()
    hostname: str = ""
    directory: str = ""

    def options(self) -> list[str]:
        """The guard's."""
        binds = [word for path, folder in self.binds.items() for word in ("--bind", str(folder), path)]
        overlays = [word for folder, new in self.overlays.items() for word in ("--overlay", str(folder), str(new))]
        tmpfs = [word for path, size in self.tmpfs.items() for word in ("--tmpfs", path, str(size))]
        files = [word for path, file in self.files.items() for word in ("--file", str(file), path)]
        read_only = [word for path in self.read_only for word in ("--read-only", path)]
        hostname = ("--hostname", self.hostname) if self.hostname else ()
        directory = ("--directory", self.directory) if self.directory else ()
        return [*binds, *overlays, *tmpfs, *files, *read_only, *hostname, *directory]


AS_IT_IS = View()


class GuardedProcess:
    """One command run under ``guard.py``: SIGKILL of this process ends the command and its children, too.

    Signals go to the command; the return code is the command's. Every method may be called from any thread,
    at any time after the start and as often as wanted.
    """

    def __init__(self, guard: subprocess.Popen[bytes]) -> None:
        assert guard.stdin is not None
        self._guard = guard
        self._leash = guard.stdin
        self._leash_lock = threading.Lock()

    @classmethod
    def start(
        cls,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path | str | None = None,
        stdout: int | IO[bytes] | None = subprocess.DEVNULL,
        stderr: int | IO[bytes] | None = subprocess.STDOUT,
        orphan_grace_seconds: float = 10.0,
        view: View = AS_IT_IS,
    ) -> Self:
        """Start ``argv`` with ``env`` and the stack's mark as its environment, and the folders as ``view`` says.

        ``orphan_grace_seconds`` is the time between SIGTERM and SIGKILL if this process dies. A program that
        does not exist, or a view that cannot be, shows as return code 127, with a sentence in its output.
        """
        options = ["--grace", str(orphan_grace_seconds), *view.options()]
        guard = [sys.executable, "-I", "-S", str(GUARD), *options, "--", *argv]
        return cls(
            subprocess.Popen(
                guard,
                env={**env, **_mark()},
                cwd=cwd,
                stdin=subprocess.PIPE,
                stdout=stdout,
                stderr=stderr,
                bufsize=0,
                start_new_session=True,
            )
        )

    @property
    def stdout(self) -> IO[bytes] | None:
        """The command's output, if started with ``stdout=subprocess.PIPE``; unbuffered."""
        return self._guard.stdout

    @property
    def guard_pid(self) -> int:
        """The guard's process id; the command is its oldest child."""
        return self._guard.pid

    @property
    def returncode(self) -> int | None:
        """As in subprocess: the exit code, ``-N`` if signal N ended it, None while it runs."""
        return self.poll()

    def poll(self) -> int | None:
        """Return the return code, or None while it runs. Never blocks."""
        returncode = self._guard.poll()
        if returncode is not None:
            self._let_go(returncode)
        return returncode

    def wait(self, timeout_seconds: float | None = None) -> int:
        """Return the return code once the command has ended. Raises subprocess.TimeoutExpired."""
        returncode = self._guard.wait(timeout_seconds)
        self._let_go(returncode)
        return returncode

    def terminate(self, grace_seconds: float) -> None:
        """Send SIGTERM, and SIGKILL to the whole group after ``grace_seconds``. Does not wait."""
        with self._leash_lock:
            if not self._leash.closed:
                with contextlib.suppress(BrokenPipeError):  # the command has just ended
                    self._leash.write(f"{grace_seconds}\n".encode())

    def kill(self) -> None:
        """Send SIGKILL to the whole group. Does not wait."""
        self.terminate(0)

    def stop(self, grace_seconds: float) -> int:
        """Terminate, wait for the end, and return the return code. Does nothing if already ended."""
        self.terminate(grace_seconds)
        return self.wait()

    def _let_go(self, returncode: int) -> None:
        with self._leash_lock:
            if not self._leash.closed and returncode == -signal.SIGKILL:
                _kill_session(self._guard.pid)  # it may be the guard itself that was killed
            self._leash.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.kill()
        self.wait()
        if self._guard.stdout is not None:
            self._guard.stdout.close()


def _mark() -> Mapping[str, str]:
    """What the stack knows its own by, should it be killed together with the guards. Nothing outside a stack."""
    return {STACK_MARK: os.environ[STACK_MARK]} if STACK_MARK in os.environ else {}


def _kill_session(leader: int) -> None:
    """SIGKILL to all that is left of the session of a process that has ended."""
    import psutil  # the command line does not come here, and needs this module

    for pid in psutil.pids():
        with contextlib.suppress(OSError):  # it ends meanwhile, or is not ours
            if os.getsid(pid) == leader:
                os.kill(pid, signal.SIGKILL)
