"""``/opt/ml`` into a container and back, as tar archives: no folder of the host is mounted.

So it works with an engine on another machine, or from inside a container that has the engine's socket only; and
nothing the container writes, as whatever user, is owned by anyone but us.
"""

import os
import stat
import tarfile
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from preflight.sagemaker.launching.folders import remove_folder
from preflight.unpacking import unpack_tar

CHUNK_BYTES = 1 << 20

# Any user of the image may write there, as root may on SageMaker.
_DIRECTORY_MODE = 0o777
_FILE_MODE = 0o666


def pack(folder: Path, name: str, without: Collection[str] = ()) -> Iterator[bytes]:
    """A tar archive of ``folder``, its members below ``name``, in chunks; all of it owned by root.

    The folders ``without``, named relative to ``folder``, are left out.
    """
    yield from _member(folder, name)
    for parent, folders, files in os.walk(folder):
        kept = [entry for entry in folders if str(Path(parent, entry).relative_to(folder)) not in without]
        for entry in sorted((*kept, *files)):
            path = Path(parent, entry)
            yield from _member(path, f"{name}/{path.relative_to(folder)}")
        folders[:] = kept
    yield bytes(2 * tarfile.BLOCKSIZE)


def _member(path: Path, name: str) -> Iterator[bytes]:
    status = path.lstat()
    member = tarfile.TarInfo(name)
    member.mtime = int(status.st_mtime)
    member.mode = _FILE_MODE | stat.S_IMODE(status.st_mode) & 0o777
    if stat.S_ISREG(status.st_mode):
        member.size = status.st_size
    elif stat.S_ISDIR(status.st_mode):
        member.type, member.mode = tarfile.DIRTYPE, _DIRECTORY_MODE
    elif stat.S_ISLNK(status.st_mode):
        member.type, member.linkname = tarfile.SYMTYPE, str(path.readlink())
    elif stat.S_ISFIFO(status.st_mode):
        member.type = tarfile.FIFOTYPE
    else:
        raise ValueError(f"{path} is neither a file nor a folder.")
    yield member.tobuf(tarfile.PAX_FORMAT, tarfile.ENCODING, "surrogateescape")
    if member.size:
        yield from _content(path, member.size)


def _content(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        left = size
        while left:
            chunk = file.read(min(CHUNK_BYTES, left))
            if not chunk:
                raise EOFError(f"{path} became shorter while it was read.")
            left -= len(chunk)
            yield chunk
    yield bytes(-size % tarfile.BLOCKSIZE)


def unpack(chunks: Iterable[bytes], folder: Path, on_refused: Callable[[str], None]) -> None:
    """Put the one folder that the archive in ``chunks`` holds, whatever its name, in the place of ``folder``.

    What would leave it (an absolute link) or is no file (a socket) is left out and named to ``on_refused``.

    Raises:
        UnpackError, OSError: the archive cannot be read; ``folder`` is as it was.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    unpacked = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        unpack_tar(_Reader(chunks), unpacked, on_refused=on_refused, below_root=True)
        remove_folder(folder)
        unpacked.rename(folder)
    finally:
        remove_folder(unpacked)


class _Reader:
    """What tarfile reads a stream from, over chunks of bytes."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes, and none at the end only."""
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._rest = chunk
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece
