import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from preflight.sagemaker.launching.process.guarded_process import GUARD, GuardedProcess
from preflight.waiting import wait_until

STUBBORN = "trap '' TERM; echo $$; while :; do sleep 0.05; done"
OWNER = """
import os, subprocess, sys
guard = [sys.executable, "-I", "-S", sys.argv[1], "--grace", sys.argv[2], "--", "sh", "-c", sys.argv[3]]
subprocess.Popen(guard, stdin=subprocess.PIPE, start_new_session=True)
sys.stdin.read()
"""
DAEMON = "setsid sh -c 'trap \"\" TERM; echo $$; exec sleep 3600' &"

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt orphans")


def start(script: str) -> GuardedProcess:
    return GuardedProcess.start(["sh", "-c", script], env=dict(os.environ), stdout=subprocess.PIPE)


def read_pid(process: GuardedProcess | subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def eventually(condition: Callable[[], bool]) -> bool:
    return wait_until(condition, 10, 0.005)


def is_gone(pid: int) -> bool:
    """True when the process has ended; a zombie that nobody reaps has ended, too."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize(
    ("script", "returncode"),
    [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", -9), ("kill -SEGV $$", -11), ("kill -TERM $$", -15)],
)
def test_a_command_that_ends_by_itself_gives_its_own_return_code(script: str, returncode: int) -> None:
    with start(script) as process:
        assert process.wait(10) == returncode
        assert process.poll() == returncode


def test_a_command_that_does_not_exist_ends_with_127_and_a_sentence() -> None:
    with GuardedProcess.start(["/no/such/program"], env={}, stdout=subprocess.PIPE) as process:
        assert process.wait(10) == 127
        assert process.stdout is not None
        assert process.stdout.read() == b"Cannot start /no/such/program: No such file or directory.\n"


def test_terminate_lets_the_command_end_in_its_own_way() -> None:
    with start("trap 'exit 3' TERM; echo $$; while :; do sleep 0.05; done") as process:
        read_pid(process)
        assert process.stop(grace_seconds=30) == 3
        assert process.stop(grace_seconds=30) == 3


def test_a_command_that_ignores_sigterm_is_killed_after_the_grace() -> None:
    with start(STUBBORN) as process:
        pid = read_pid(process)
        assert process.stop(grace_seconds=0.2) == -signal.SIGKILL
        assert is_gone(pid)


def test_kill_does_not_wait_for_a_grace_given_before() -> None:
    with start(STUBBORN) as process:
        read_pid(process)
        process.terminate(grace_seconds=3600)
        process.kill()
        assert process.wait(10) == -signal.SIGKILL


def test_children_left_behind_by_the_command_are_killed() -> None:
    with start("sleep 3600 & echo $!; exit 5") as process:
        left_behind = read_pid(process)
        assert process.wait(10) == 5
        assert eventually(lambda: is_gone(left_behind))


@on_linux
@pytest.mark.parametrize("grace_seconds", [0, 60])
def test_a_daemon_in_a_session_of_its_own_ends_with_the_command(grace_seconds: int) -> None:
    with start(f"trap 'exit 5' TERM; ({DAEMON}); while :; do sleep 0.05; done") as process:
        daemon = read_pid(process)

        assert process.stop(grace_seconds) == (5 if grace_seconds else -signal.SIGKILL)
        assert is_gone(daemon)


@on_linux
def test_a_daemon_that_ends_before_the_command_leaves_no_zombie() -> None:
    with start("(setsid sh -c 'echo $$' &); sleep 3600") as process:
        daemon = read_pid(process)

        assert eventually(lambda: not psutil.pid_exists(daemon))
        assert process.poll() is None


@on_linux
def test_the_command_ends_when_the_owner_and_the_guard_are_killed_at_once() -> None:
    owner = [sys.executable, "-c", OWNER, str(GUARD), "3600", STUBBORN]
    with subprocess.Popen(owner, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        command = read_pid(process)
        [guard] = psutil.Process(process.pid).children()

        process.send_signal(signal.SIGSTOP)
        guard.kill()
        process.kill()

        assert eventually(lambda: is_gone(command))


def test_a_killed_guard_takes_its_command_with_it() -> None:
    with start(f"sleep 3600 & echo $!; {STUBBORN}") as process:
        pids = [read_pid(process), read_pid(process)]

        os.kill(process.guard_pid, signal.SIGKILL)

        assert process.wait(10) == -signal.SIGKILL
        assert eventually(lambda: all(map(is_gone, pids)))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_the_command_and_its_children_end_when_the_owner_dies(how: signal.Signals) -> None:
    script = "trap '' TERM; (trap '' TERM; sleep 3600) & echo $!; echo $$; wait; wait"
    owner = [sys.executable, "-c", OWNER, str(GUARD), "0.1", script]
    with subprocess.Popen(owner, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        child, command = read_pid(process), read_pid(process)

        process.send_signal(how)

        assert eventually(lambda: is_gone(command) and is_gone(child))


def test_the_command_ends_when_the_owner_dies_during_the_start(tmp_path: Path) -> None:
    for delay_milliseconds in range(0, 40, 4):
        marker = tmp_path / str(delay_milliseconds)
        command = f"echo $$ > {marker}; exec sleep 3600"
        owner = subprocess.Popen(
            [sys.executable, "-I", "-S", str(GUARD), "--grace", "5", "--", "sh", "-c", command],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        time.sleep(delay_milliseconds / 1000)  # not a wait: each round cuts the start at another moment
        assert owner.stdin is not None
        owner.stdin.close()

        assert owner.wait(10) in (-signal.SIGTERM, 0)
        assert not marker.exists() or not marker.read_text() or is_gone(int(marker.read_text()))


def test_a_storm_of_signals_reaches_the_command_and_loses_nothing() -> None:
    script = "trap 'echo hangup' HUP; trap 'exit 4' TERM; echo $$; while :; do sleep 0.02; done"
    with start(script) as process:
        read_pid(process)
        guard = process._guard.pid
        for _ in range(500):
            os.kill(guard, signal.SIGHUP)
        os.kill(guard, signal.SIGTERM)

        assert process.wait(10) == 4
        assert process.stdout is not None
        assert b"hangup" in process.stdout.read()


def test_two_commands_do_not_hold_each_other_alive() -> None:
    with start("echo $$; exec sleep 3600") as first, start("echo $$; exec sleep 3600") as second:
        read_pid(first)
        read_pid(second)
        first._leash.close()

        assert first.wait(10) == -signal.SIGTERM
        assert second.poll() is None
