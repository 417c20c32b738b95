"""A try in a child process, for what may crash in native code."""

import os
import signal
import traceback
from collections.abc import Callable


def survives(action: Callable[[], object], *, seconds: int) -> bool:
    """Runs `action` in a forked child; False when a signal ended it, as a crash does, or the time is up.

    What it raises counts as surviving: do it again to see. Only for a process that has no threads yet, those of
    xgboost included: a child waits for ever for threads it did not inherit.
    """
    child = os.fork()
    if child == 0:
        signal.alarm(seconds)
        _run_and_exit(action)
    try:
        _, status = os.waitpid(child, 0)
    except BaseException:  # asked to end while the child still tries
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    return not os.WIFSIGNALED(status)


def _run_and_exit(action: Callable[[], object]) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # the parent says it again
    try:
        action()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)
