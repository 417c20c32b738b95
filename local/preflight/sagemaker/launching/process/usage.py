"""What a tree of processes uses."""

import psutil

from preflight.sagemaker.launching.container import Usage


def usage_below(pid: int) -> Usage | None:
    """Of all that the process ``pid`` has started, and of what has ended of it; None once it is gone."""
    try:
        root = psutil.Process(pid)
        below = root.children(recursive=True)
        cpu_seconds = _seconds(root)
    except psutil.Error:
        return None
    memory_bytes = 0
    for process in below:
        try:
            cpu_seconds += _seconds(process)
            memory_bytes += _memory(process)
        except psutil.Error:  # it has ended meanwhile
            continue
    return Usage(cpu_seconds, memory_bytes)


def _seconds(process: psutil.Process) -> float:
    """With the children that it has taken leave of, where the system counts them."""
    times = process.cpu_times()
    ended = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return float(times.user + times.system + ended)


def _memory(process: psutil.Process) -> int:
    """Its share of what it has in common with others, where that is told."""
    try:
        memory = process.memory_full_info()
    except psutil.AccessDenied:
        return int(process.memory_info().rss)
    return int(getattr(memory, "pss", memory.uss))
