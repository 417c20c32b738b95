"""What becomes of memory that is free again."""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # of malloc.h
KEPT_BYTES = 128 << 20
LARGEST_KEPT_BYTES = 32 << 20


def keep_freed_memory() -> None:
    """Keep what one request has used for the next.

    glibc gives larger pieces back at once, and the kernel has to find and clear each page anew: for a body of a few
    megabytes that takes as long as reading its numbers. Another C library does as it does.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    for setting, value in (
        (_MMAP_THRESHOLD, LARGEST_KEPT_BYTES),
        (_TRIM_THRESHOLD, KEPT_BYTES),
        (_ARENA_MAX, 1),  # what threads use after another is the same memory
    ):
        mallopt(setting, value)
