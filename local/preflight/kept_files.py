"""Files that outlive a stack: each is there whole, as it is or as it was, and for its owner only."""

import contextlib
import os
import shutil
import stat
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

ASIDE = "aside"
FEW = 20  # files that are better synced one by one


class NotOwn(Exception):
    """What lies there may be somebody else's doing; the text says what it is and what to do."""


def write(path: Path, content: bytes) -> None:
    """Put ``content`` in the place of what ``path`` had; also a power cut leaves the one or the other.

    Raises:
        OSError: nothing has changed.
    """
    make_folder(path.parent)
    new = path.with_name(f".{path.name}.new")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise
    sync_folder(path.parent)


def make_folder(path: Path) -> None:
    """Make it, and those above it, its owner's only."""
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def sync_folder(path: Path) -> None:
    """Names that came or went in it outlive a power cut."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def sync_files(paths: Sequence[Path]) -> None:
    """What was written to these, which are on one disk, outlives a power cut, and so do their names."""
    if len(paths) > FEW and _sync_disk(paths[0].parent):
        return
    for path in paths:
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
            os.fsync(file.fileno())
    for folder in {path.parent for path in paths}:
        with contextlib.suppress(FileNotFoundError):
            sync_folder(folder)


def _sync_disk(folder: Path) -> bool:
    """Sync all that is on the disk of ``folder`` at once, a hundred times as fast; False where that is not known."""
    import ctypes  # most who want to know of files need no such thing

    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        return False
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return False
    try:
        if syncfs(opened):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(folder))
    finally:
        os.close(opened)
    return True


def require_own(path: Path) -> None:
    """Raises NotOwn unless ``path`` is a file or folder of this user, which nobody else can have written."""
    seen = path.lstat()
    if stat.S_ISLNK(seen.st_mode):
        raise NotOwn(f"{path} is a link. Preflight reads no state through links: put what it stands for in its place.")
    if seen.st_uid != os.getuid() or seen.st_mode & 0o022:
        raise NotOwn(
            f"{path} is not yours alone to write, and state that others can write may run their code. "
            f"If you trust it: chown -R {os.getuid()} {path} && chmod -R go-w {path}"
        )


def set_aside(path: Path, home: Path) -> Path:
    """Move ``path``, which cannot be used, below ``home``/aside; returns where it is now."""
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S.%f")
    place = home / ASIDE / moment / path.relative_to(home)
    make_folder(place.parent)
    shutil.move(path, place)
    return place
