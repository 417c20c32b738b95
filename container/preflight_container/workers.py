"""Processes that take turns on one port: as many as the cores, each replaced if it dies, none older than the first."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

CANNOT_WORK = 3  # a worker's exit code: another would fare no better
_ENDING = (signal.SIGTERM, signal.SIGINT)


class Workers:
    """Forks of this process, which has what they share: the listening socket, and what is loaded before."""

    def __init__(self, work: Callable[[int], object]) -> None:
        """``work`` is what each does at its place, counted from 0; it ends at SIGTERM."""
        self._work = work
        self._places: dict[int, int] = {}  # of each process
        self._stopping = False
        self._reader, self._writer = os.pipe()  # which this process alone can write: its end ends the workers

    def run(self, count: int) -> int:
        """Return once all have ended, at SIGTERM or Ctrl-C; 1 if they cannot work."""
        for number in _ENDING:
            signal.signal(number, self._stop)
        for place in range(count):
            self._fork(place)
        while self._places:
            pid, status = os.wait()
            ended = self._places.pop(pid, None)
            if ended is None:  # an orphan, where this is a container's first process
                continue
            if os.WIFEXITED(status) and os.WEXITSTATUS(status) == CANNOT_WORK:
                self._stop(signal.SIGTERM, None)
                return 1
            if not self._stopping:
                print(f"Worker {pid} has ended; another takes its place.", file=sys.stderr, flush=True)
                self._fork(ended)
        return 0

    def _fork(self, place: int) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)  # until the handler knows of it
        pid = os.fork()
        if pid == 0:
            self._become_worker(place)
        self._places[pid] = place
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)

    def _become_worker(self, place: int) -> None:
        try:
            for number in _ENDING:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
            os.close(self._writer)
            threading.Thread(target=self._end_with_parent, daemon=True).start()
            self._work(place)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)

    def _end_with_parent(self) -> None:
        os.read(self._reader, 1)
        os._exit(1)

    def _stop(self, number: int, frame: Any) -> None:
        self._stopping = True
        for pid in self._places:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
