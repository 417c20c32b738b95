"""How much memory a process and all it has started take, now."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil

_HAS_PROC = Path("/proc/self/smaps_rollup").exists()
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def takes_more(pid: int, limit_bytes: int) -> bool:
    """Whether the descendants of ``pid`` together have more than that in RAM.

    What processes share, as after a fork, counts once, where the system tells (Linux).
    """
    if not _HAS_PROC:
        return sum(map(_resident_bytes, psutil.Process(pid).children(recursive=True))) > limit_bytes
    pids = list(_descendants(pid))
    if sum(map(_resident_pages, pids)) * _PAGE_BYTES <= limit_bytes:
        return False
    return len(pids) == 1 or sum(map(_proportional_bytes, pids)) > limit_bytes


def _descendants(pid: int) -> Iterator[int]:
    # Linux knows a process's children by the thread that made them. psutil would read of every process of the machine
    # whose child it is, which takes ten times as long.
    for thread in _names(f"/proc/{pid}/task"):
        for child in _read(f"/proc/{pid}/task/{thread}/children").split():
            yield int(child)
            yield from _descendants(int(child))


def _resident_pages(pid: int) -> int:
    words = _read(f"/proc/{pid}/statm").split()
    return int(words[1]) if words else 0


def _proportional_bytes(pid: int) -> int:
    words = _read(f"/proc/{pid}/smaps_rollup").partition("\nPss:")[2].split()
    return int(words[0]) * 1024 if words else 0


def _resident_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:  # it has ended
        return 0


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208
    except OSError:  # it has ended
        return []


def _read(file: str) -> str:
    try:
        return Path(file).read_text()
    except OSError:  # it has ended
        return ""
