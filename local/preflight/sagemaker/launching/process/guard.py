"""Runs one command so that nothing of it outlives whoever asked for it.

    python -I -S guard.py [--grace SECONDS] [--bind FOLDER PATH]... [--overlay FOLDER SCRATCH]...
                          [--tmpfs PATH BYTES]... [--file FILE PATH]... [--read-only PATH]... [--hostname NAME]
                          [--directory PATH] [--become] -- COMMAND [ARGUMENT...]

The guard's standard input is its leash: the read end of a pipe that only the owner holds. When the owner
closes it, or dies in whatever way, the command gets SIGTERM, and SIGKILL after the grace. A line on the
pipe asks for the same with another grace in seconds; `0` kills at once. SIGTERM, SIGINT and SIGHUP are
passed on to the command.

The command runs in a process group of its own, with /dev/null as its input. When it ends, by itself or not,
whatever it has started is killed, and the guard ends the way the command did: same exit code, or same signal.
A command that cannot be started is exit code 127, with a sentence on standard error.

On Linux that holds for daemons, too: orphans come to the guard, which is their subreaper. And the command dies
with the guard, should that be killed. Elsewhere a process that leaves the command's group leaves the guard's reach.

With --bind the command sees FOLDER at PATH, which need not exist; with --overlay what it writes below FOLDER goes
into the empty folder SCRATCH, and FOLDER stays as it is; with --tmpfs PATH is an empty folder in memory that takes
so many bytes, and a --bind below it is seen in it; with --file it reads FILE where the file PATH is; with --read-
only nothing is written below PATH, which is one of a --bind; --hostname is what it is told that this machine is
called; --directory is where it starts, as it sees it. All that is in a mount namespace of the guard's own
(mount_namespaces(7)), which goes with its last process: the machine's folders are never changed. Root needs
nothing else for it; any other user gets a user namespace, in which it is itself. With --become the command takes
the guard's place, with its terminal, and nobody guards it.

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
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE, MS_RELATIME = 1, 1 << 5, 1 << 12, 1 << 14, 1 << 18, 1 << 21
LOCKED = 2 | 4 | 8 | 1 << 10 | 1 << 11  # nosuid, nodev, noexec, noatime, nodiratime: the same for statvfs and mount
ST_RELATIME = 1 << 12


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
        _exec(command)
    finally:
        os._exit(CANNOT_START)


def _exec(command: list[str]) -> None:
    """Be the command from here on."""
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"Cannot start {command[0]}: {error.strerror}.", file=sys.stderr, flush=True)
        os._exit(CANNOT_START)


def _prctl(option: int, value: int) -> None:
    """prctl(2), where there is one."""
    if sys.platform == "linux":
        _call("prctl", option, value, 0, 0, 0)


def _call(function: str, *arguments: int | bytes | None) -> int:
    """What a function of the C library returns."""
    import _ctypes

    address = _ctypes.dlsym(_ctypes.dlopen(None, 0), function)  # type: ignore[arg-type]  # None: this very program
    returned: int = _ctypes.call_function(address, arguments)
    return returned


def _leave_mounts(hostname: str) -> None:
    """Go where what this process mounts, and ``hostname``, is seen by it and its children only. Raises OSError."""
    if sys.platform != "linux":
        raise OSError(0, "only Linux has mount namespaces")
    uid, gid = os.geteuid(), os.getegid()
    own = os.CLONE_NEWNS | (os.CLONE_NEWUTS if hostname else 0)
    try:
        os.unshare(own)
    except PermissionError:
        os.unshare(own | os.CLONE_NEWUSER)
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123
                file.write(text)
    _mount(None, "/", MS_REC | MS_PRIVATE)
    if hostname:
        _call("sethostname", os.fsencode(hostname), len(os.fsencode(hostname)))


def _mount(source: str | None, target: str, flags: int, kind: str | None = None, data: str | None = None) -> None:
    """mount(2). Raises OSError."""
    arguments = [
        value if value is None else os.fsencode(value) for value in (source or "none", target, kind or "none", data)
    ]
    if _call("mount", *arguments[:3], flags, arguments[3]) == 0:
        return
    import ctypes  # slower, but it tells what was wrong: the same once more

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(*arguments[:3], flags, arguments[3]) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _bind(folders: list[int], paths: list[str], empty: list[str]) -> None:
    """Show each open folder at its path; below the ``empty`` ones a path is simply made. Raises OSError."""
    for folder, path in zip(folders, map(os.path.realpath, paths), strict=True):
        if not os.path.isdir(path):  # noqa: PTH112
            if path.startswith(tuple(f"{each}/" for each in empty)):
                os.makedirs(path)  # noqa: PTH103
            else:
                _make(path)
        _mount(f"/proc/self/fd/{folder}", path, MS_BIND | MS_REC)
        os.close(folder)


def _close_to_writers(path: str) -> None:
    """Let nobody write below ``path``, which is a mount of ours. Raises OSError."""
    flags = os.statvfs(path).f_flag  # what a mount was made with must stay, or an ordinary user may not change it
    kept = flags & LOCKED | (MS_RELATIME if flags & ST_RELATIME else 0)
    _mount(None, path, MS_BIND | MS_REMOUNT | MS_RDONLY | kept)


def _make(path: str) -> None:
    """Let there be a folder at ``path``: its nearest parent is covered by an empty one, with all that it had in it."""
    parent = os.path.dirname(path)  # noqa: PTH120
    while not os.path.isdir(parent):  # noqa: PTH112
        parent = os.path.dirname(parent)  # noqa: PTH120
    if parent == "/":
        raise OSError(0, f"there is no /{path.split('/')[1]} on this machine; make that folder")
    covered = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
    _mount("tmpfs", parent, 0, "tmpfs", "mode=755")
    for name in os.listdir(covered):  # noqa: PTH208
        there, here = f"/proc/self/fd/{covered}/{name}", f"{parent}/{name}"
        if os.path.islink(there):  # noqa: PTH114
            os.symlink(os.readlink(there), here)  # noqa: PTH115, PTH211
            continue
        if os.path.isdir(there):  # noqa: PTH112
            os.mkdir(here)  # noqa: PTH102
        else:
            os.close(os.open(here, os.O_CREAT | os.O_WRONLY))
        _mount(there, here, MS_BIND | MS_REC)
    os.close(covered)
    os.makedirs(path)  # noqa: PTH103


def _overlay(folder: str, scratch: str) -> None:
    """Let what is written below ``folder`` go into ``scratch``. Raises OSError."""
    if set(":,\\") & set(folder + scratch):
        raise OSError(0, "the name of a folder that is laid over another has no colon, comma or backslash")
    upper, work = f"{scratch}/changes", f"{scratch}/work"
    os.makedirs(upper, exist_ok=True)  # noqa: PTH103
    os.makedirs(work, exist_ok=True)  # noqa: PTH103
    own = ",userxattr" if os.geteuid() else ""  # an ordinary user may not set overlayfs's usual attributes
    _mount("overlay", folder, 0, "overlay", f"lowerdir={folder},upperdir={upper},workdir={work}{own}")


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


def _prepare(
    binds: list[tuple[str, str]],
    overlays: list[tuple[str, str]],
    tmpfs: list[tuple[str, str]],
    files: list[tuple[str, str]],
    read_only: list[str],
    hostname: str,
    directory: str,
) -> None:
    """Lay the folders out for the command; ends this process with a sentence if that cannot be."""
    what = "a private place for mounts"
    try:
        if binds or overlays or tmpfs or files or hostname:
            _leave_mounts(hostname)
            for file, what in files:
                _mount(file, what, MS_BIND)
            for what, scratch in overlays:  # before a bind covers them
                _overlay(what, scratch)
            paths = [path for _, path in binds]
            what = ", ".join(paths)
            # All are opened before anything is laid over them.
            folders = [os.open(folder, os.O_RDONLY | os.O_DIRECTORY) for folder, _ in binds]
            for what, size in tmpfs:
                _mount("tmpfs", what, 0, "tmpfs", f"size={size},mode=1777")
            what = ", ".join(paths)
            _bind(folders, paths, [os.path.realpath(path) for path, _ in tmpfs])
            for what in read_only:
                _close_to_writers(what)
        if directory:
            what = directory
            os.chdir(directory)
    except OSError as error:
        print(f"Cannot lay out {what}: {error.strerror}.", file=sys.stderr, flush=True)
        os._exit(CANNOT_START)


def main(arguments: list[str]) -> None:
    separator = arguments.index("--")
    options, command = iter(arguments[:separator]), arguments[separator + 1 :]
    grace_seconds, hostname, directory, is_guarded = DEFAULT_GRACE_SECONDS, "", "", True
    binds: list[tuple[str, str]] = []
    overlays: list[tuple[str, str]] = []
    tmpfs: list[tuple[str, str]] = []
    read_only: list[str] = []
    files: list[tuple[str, str]] = []
    for option in options:
        if option == "--grace":
            grace_seconds = float(next(options))
        elif option == "--bind":
            binds.append((next(options), next(options)))
        elif option == "--overlay":
            overlays.append((next(options), next(options)))
        elif option == "--read-only":
            read_only.append(next(options))
        elif option == "--tmpfs":
            tmpfs.append((next(options), next(options)))
        elif option == "--file":
            files.append((next(options), next(options)))
        elif option == "--hostname":
            hostname = next(options)
        elif option == "--directory":
            directory = next(options)
        elif option == "--become":
            is_guarded = False
        else:
            sys.exit(f"guard.py has no option {option}")
    _prepare(binds, overlays, tmpfs, files, read_only, hostname, directory)
    if not is_guarded:
        _exec(command)
    _end_like(Guard(command, grace_seconds).run())


if __name__ == "__main__":
    main(sys.argv[1:])
