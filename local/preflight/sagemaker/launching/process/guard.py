"""Runs one command so that nothing of it outlives whoever asked for it.

    python -I -S guard.py [--grace SECONDS] -- COMMAND [ARGUMENT...]

The guard's standard input is its leash: the read end of a pipe that only the owner holds. When the owner
closes it, or dies in whatever way, the command gets SIGTERM, and SIGKILL after the grace. A line on the
pipe asks for the same with another grace in seconds; `0` kills at once. SIGTERM, SIGINT and SIGHUP are
passed on to the command.

The command runs in a process group of its own, with /dev/null as its input. When it ends, by itself or not,
whatever it has started is killed, and the guard ends the way the command did: same exit code, or same signal.
A command that cannot be started is exit code 127, with a sentence on standard error.

On Linux that holds for daemons, too: orphans come to the guard, which is their subreaper. And the command dies
with the guard, should that be killed. Elsewhere a process that leaves the command's group leaves the guard's reach.

Started once for every Lambda environment and every container, so it has to start fast: no imports of ours,
no `contextlib` or `pathlib`; `_signal` instead of `signal`, whose enums take longer to build than all the rest of this
program; `_ctypes` (half a millisecond) instead of `ctypes` (five).
"""

import _signal as signal  # type: ignore[import-not-found]
import os
import select
import sys
import time

DEFAULT_GRACE_SECONDS = 10.0
PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
CANNOT_START = 127
LEASH = 0
LAST_SECONDS = 5.0  # for killed processes to be gone; one that may not be killed (setuid) does not keep the guard

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


class Guard:
    """The one command, and the time at which it is killed if it still runs by then."""

    def __init__(self, command: list[str], grace_seconds: float) -> None:
        self.command = command
        self.grace_seconds = grace_seconds
        self.deadline: float | None = None
        self.pid = 0

    def run(self) -> int:
        """Return the wait status of the command once it has ended and its group is gone."""
        wakeup = _wakeup_on_signals()
        _prctl(PR_SET_CHILD_SUBREAPER, 1)
        self.pid = _start(self.command)
        poll = select.poll()
        poll.register(wakeup, select.POLLIN)
        poll.register(LEASH, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poll.poll(self._milliseconds_left())}
            if wakeup in ready:
                self._pass_on(os.read(wakeup, 4096))
            status = self._reap()
            if status is not None:
                self._kill_group()
                _kill_descendants()
                return status
            if LEASH in ready and not self._read_leash():
                poll.unregister(LEASH)
            if self.deadline is not None and time.monotonic() >= self.deadline:
                self._kill_group()

    def _reap(self) -> int | None:
        """Take leave of the orphans that have ended; the status of the command if it has."""
        while True:
            ended, status = os.waitpid(-1, os.WNOHANG)
            if ended == self.pid:
                return status
            if not ended:
                return None

    def _milliseconds_left(self) -> float | None:
        if self.deadline is None:
            return None
        return max(0.0, self.deadline - time.monotonic()) * 1000 + 1

    def _pass_on(self, received: bytes) -> None:
        for number in PASSED_ON:
            if number in received:
                self._signal_command(number)

    def _read_leash(self) -> bool:
        """Take the owner's orders; false once the owner is gone."""
        orders = os.read(LEASH, 4096)
        if not orders:
            self._end_within(self.grace_seconds)
        for order in orders.split():
            self._end_within(float(order))
        return bool(orders)

    def _end_within(self, grace_seconds: float) -> None:
        deadline = time.monotonic() + grace_seconds
        self.deadline = deadline if self.deadline is None else min(self.deadline, deadline)
        if grace_seconds > 0:
            self._signal_command(signal.SIGTERM)

    def _signal_command(self, number: int) -> None:
        # Not reaped yet, so the pid is still the command's own; a zombie takes no harm.
        os.kill(self.pid, number)

    def _kill_group(self) -> None:
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
            self.deadline = None


def _start(command: list[str]) -> int:
    """Start the command in a group of its own; its process id.

    By fork: only between fork and exec can a process ask for a signal at its parent's death.
    """
    guard = os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)  # what comes meanwhile is the command's, not its handler's
    pid = os.fork()
    if pid == 0:
        _become(command, guard)
    try:  # noqa: SIM105
        os.setpgid(pid, pid)  # as the child does: whoever is first, from here on there is a group to kill
    except (ProcessLookupError, PermissionError):
        pass  # it has become the command already
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    return pid


def _become(command: list[str], guard: int) -> None:
    try:
        os.setpgid(0, 0)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        # The guard's handlers are not the command's. Python ignores the last two; programs expect them.
        for number in (*PASSED_ON, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:  # it died before that
            os._exit(CANNOT_START)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os.execvp(command[0], command)
    except OSError as error:
        print(f"Cannot start {command[0]}: {error.strerror}.", file=sys.stderr, flush=True)
    finally:
        os._exit(CANNOT_START)


def _prctl(option: int, value: int) -> None:
    """prctl(2), where there is one."""
    if sys.platform != "linux":
        return
    import _ctypes

    prctl = _ctypes.dlsym(_ctypes.dlopen(None, 0), "prctl")  # type: ignore[arg-type]  # None: this very program
    _ctypes.call_function(prctl, (option, value, 0, 0, 0))


def _kill_descendants() -> None:
    """Kill the orphans that came to this process, and theirs in turn, until none is left."""
    deadline = time.monotonic() + LAST_SECONDS
    while time.monotonic() < deadline:
        try:
            ended, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not ended:
            for pid in _children():
                try:  # noqa: SIM105
                    os.kill(pid, signal.SIGKILL)
                except (ProcessLookupError, PermissionError):
                    pass
            time.sleep(0.001)


def _children() -> list[int]:
    """The children of this process, as far as the system says."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:  # noqa: PTH123
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def _wakeup_on_signals() -> int:
    """Return a descriptor that becomes readable, with the signals' numbers as bytes, when one arrives."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (*PASSED_ON, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return reader


def _end_like(status: int) -> None:
    """End this process as the command ended."""
    if os.WIFSIGNALED(status):
        import resource  # only here: it costs the start of every command otherwise

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # one core dump is enough
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status))


def main(arguments: list[str]) -> None:
    separator = arguments.index("--")
    options, command = arguments[:separator], arguments[separator + 1 :]
    grace_seconds = float(options[1]) if options[:1] == ["--grace"] else DEFAULT_GRACE_SECONDS
    _end_like(Guard(command, grace_seconds).run())


if __name__ == "__main__":
    main(sys.argv[1:])
