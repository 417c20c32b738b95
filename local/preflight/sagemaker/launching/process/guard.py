"""Runs one command so that nothing of it outlives whoever asked for it.

    python -I -S guard.py [--grace SECONDS] -- COMMAND [ARGUMENT...]

The guard's standard input is its leash: the read end of a pipe that only the owner holds. When the owner
closes it, or dies in whatever way, the command gets SIGTERM, and SIGKILL after the grace. A line on the
pipe asks for the same with another grace in seconds; `0` kills at once. SIGTERM, SIGINT and SIGHUP are
passed on to the command.

The command runs in a process group of its own, with /dev/null as its input. When it ends, by itself or not,
what is left of its group is killed, and the guard ends the way the command did: same exit code, or same
signal. A command that cannot be started is exit code 127, with a sentence on standard error. A process that
leaves the group (a daemon that calls setsid) leaves the guard's reach.

Started once for every Lambda environment and every container, so it has to start fast: no imports of ours,
and `_signal` instead of `signal`, whose enums take longer to build than all the rest of this program.
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
        self.pid = os.posix_spawnp(
            self.command[0],
            self.command,
            os.environ,
            file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)],
            setpgroup=0,
            setsigmask=[],
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],  # Python ignores these two, programs expect them
        )
        poll = select.poll()
        poll.register(wakeup, select.POLLIN)
        poll.register(LEASH, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poll.poll(self._milliseconds_left())}
            if wakeup in ready:
                self._pass_on(os.read(wakeup, 4096))
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                self._kill_group()
                return status
            if LEASH in ready and not self._read_leash():
                poll.unregister(LEASH)
            if self.deadline is not None and time.monotonic() >= self.deadline:
                self._kill_group()

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
    try:
        status = Guard(command, grace_seconds).run()
    except OSError as error:
        print(f"Cannot start {command[0]}: {error.strerror}.", file=sys.stderr, flush=True)
        os._exit(CANNOT_START)
    _end_like(status)


if __name__ == "__main__":
    main(sys.argv[1:])
