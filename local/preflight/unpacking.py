"""Archives unpacked into a folder and nowhere else, whatever they hold.

Nothing is left to ``tarfile``'s filters or to ``realpath``: what they let through depends on Python's patch release
(CVE-2025-4517). A member is written through the descriptors of the folders it lies in, one name at a time, and no
link is followed on the way, so no archive can lead out. The links themselves may only point to what is inside.
"""

import contextlib
import errno
import itertools
import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Protocol, Self, cast

CHUNK_BYTES = 1 << 20
BLOCK_BYTES = 4096  # what the smallest file takes of a volume
GIB = 1 << 30
MAX_HEADER_BYTES = 1 << 20  # of one member of a tar archive, read into memory at once
MAX_LINK_BYTES = 4096

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PLAIN_KINDS = (0, stat.S_IFREG, stat.S_IFDIR)  # some zip programs store none

# How the readers end on an archive made to break them: also sizes that are no number, times beyond the clock's ends.
_UNREADABLE = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError),
    *(LookupError, ValueError, ArithmeticError, RuntimeError),
)


class UnpackError(Exception):
    """An archive that is not unpacked, or not to its end; the text says why."""


class _Refused(Exception):
    """A member that must not be unpacked; the text says why."""


class Stream(Protocol):
    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes, and none at the end only."""


def go_on() -> None:
    """For those who never stop an unpacking."""


def unpack_tar(
    stream: Stream,
    folder: Path,
    *,
    max_bytes: int | None = None,
    check: Callable[[], None] = go_on,
    on_refused: Callable[[str], None] | None = None,
    below_root: bool = False,
) -> None:
    """Unpack the tar archive that ``stream`` gives, uncompressed, into ``folder``, which is made if need be.

    ``stream`` is read to its end, ``max_bytes`` at most: a file counts for a block more than it holds. ``check`` is
    called again and again, and may raise to give up. A member that must not be unpacked is left out and named to
    ``on_refused``; without one it ends the unpacking. ``below_root``: the archive holds one folder, whatever its name,
    which becomes ``folder``.

    Raises:
        UnpackError: part of the archive may be unpacked by then. What ``stream`` raises is raised as it is, unless it
            is an OSError.
    """
    reader = _TarReader(stream)
    with _unpacking(folder, max_bytes, check) as target:
        with tarfile.open(fileobj=cast(IO[bytes], reader), mode="r|", bufsize=1 << 16) as tar:
            while member := _next(tar, reader, check):
                try:
                    _put(target, tar, member, 1 if below_root else 0)
                except _Refused as refused:
                    if on_refused is None:
                        raise
                    on_refused(str(refused))
                    if member.isreg():
                        _count(_content(tar, member), target)
        # tarfile stops at its own end mark; what comes after it may still be a compressed stream's checksum.
        _count(_chunks(reader), target)


def unpack_zip(archive: Path, folder: Path, *, max_bytes: int | None = None, check: Callable[[], None] = go_on) -> None:
    """Unpack the zip file ``archive`` into ``folder``, which is made if need be; see ``unpack_tar``.

    Raises:
        UnpackError
    """
    with _unpacking(folder, max_bytes, check) as target, zipfile.ZipFile(archive) as members:
        for member in members.infolist():
            check()
            mode = member.external_attr >> 16
            parts = target.parts(member.filename)
            if member.is_dir():
                target.make_folder(parts)
            elif stat.S_ISLNK(mode):
                with members.open(member) as content:
                    target.link(parts, os.fsdecode(content.read(MAX_LINK_BYTES)))
            elif stat.S_IFMT(mode) in _PLAIN_KINDS:
                with members.open(member) as content:
                    target.write(parts, _chunks(content), mode)
            else:
                raise _Refused(f"{_quoted(member.filename)} is neither a file, a folder nor a link")


@contextlib.contextmanager
def _unpacking(folder: Path, max_bytes: int | None, check: Callable[[], None]) -> "Iterator[_Folder]":
    """``folder`` to unpack into; whatever ends that becomes an UnpackError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _Folder(folder, max_bytes, check) as target:
            yield target
    except _Refused as refused:
        raise UnpackError(f"{refused}.") from None
    except _UNREADABLE as error:
        text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnpackError(f"{text or type(error).__name__}.") from error


class _Folder:
    """A folder that is filled through its descriptor: no name leads out of it."""

    def __init__(self, folder: Path, max_bytes: int | None, check: Callable[[], None]) -> None:
        self._check = check
        self._root = self._open = os.open(folder, _FOLDER & ~os.O_NOFOLLOW)
        self._open_parts: tuple[str, ...] = ()
        self._longest_name: int = os.fpathconf(self._root, "PC_NAME_MAX")
        self._longest_path: int = os.fpathconf(self._root, "PC_PATH_MAX") - len(os.fsencode(folder)) - 2
        usage = shutil.disk_usage(folder)
        room = usage.free - min(GIB, usage.total // 10)  # what else there is must go on working
        self._too_much = "it holds more than the disk of this machine has room for"
        if max_bytes is not None and max_bytes <= room:
            self._too_much = f"it holds more than {_size(max_bytes)}"
            room = max_bytes
        self._room = room

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()
        os.close(self._root)

    def parts(self, name: str) -> tuple[str, ...]:
        """The names that ``name`` is made of; none for the folder itself."""
        if name.startswith("/"):
            raise _Refused(f"{_quoted(name)} is an absolute path")
        parts = tuple(part for part in name.split("/") if part not in ("", "."))
        if ".." in parts:
            raise _Refused(f"{_quoted(name)} leaves the folder")
        if "\0" in name:
            raise _Refused(f"{_quoted(name)} holds a null character")
        lengths = [len(os.fsencode(part)) for part in parts]
        if max(lengths, default=0) > self._longest_name or sum(lengths) + len(lengths) > self._longest_path:
            raise _Refused(f"{_quoted(name)} is longer than the name of a file may be")
        return parts

    def make_folder(self, parts: tuple[str, ...]) -> None:
        self.count(BLOCK_BYTES)
        self._enter(parts)

    def write(
        self, parts: tuple[str, ...], chunks: Iterable[bytes], mode: int, modified_seconds: float | None = None
    ) -> None:
        """A new file, executable or not as ``mode`` says, in the place of whatever file or link is there."""
        self.count(BLOCK_BYTES)
        parent, name = self._enter(parts[:-1]), _last(parts)
        permissions = 0o755 if mode & 0o100 else 0o644
        descriptor = self._replacing(parts, lambda: os.open(name, _NEW_FILE, permissions, dir_fd=parent))
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor
            for chunk in chunks:
                self.count(len(chunk))
                file.write(chunk)
            if modified_seconds is not None:
                file.flush()
                os.utime(descriptor, (modified_seconds, modified_seconds))

    def link(self, parts: tuple[str, ...], target: str) -> None:
        """A symbolic link to ``target``, which must lie inside.

        ``..`` may stand at its beginning only, where no link has been followed yet: so, whatever other links it goes
        through, each of which stays inside, this one does.
        """
        self.count(BLOCK_BYTES)
        ahead = [part for part in target.split("/") if part not in ("", ".")]
        ups = sum(1 for _ in itertools.takewhile(lambda part: part == "..", ahead))
        if not target or "\0" in target or target.startswith("/") or ups >= len(parts) or ".." in ahead[ups:]:
            raise _Refused(f"{_quoted('/'.join(parts))} is a link that may leave the folder, to {_quoted(target)}")
        parent, name = self._enter(parts[:-1]), _last(parts)
        self._replacing(parts, lambda: os.symlink(target, name, dir_fd=parent))

    def hard_link(self, parts: tuple[str, ...], target: tuple[str, ...]) -> None:
        """Another name for the file ``target``. A link is none: elsewhere it would lead somewhere else."""
        self.count(BLOCK_BYTES)
        name, target_name = _last(parts), _last(target)
        source = os.dup(self._enter(target[:-1]))
        try:
            found = _mode_of(target_name, source)
            if found is None or not stat.S_ISREG(found):
                raise _Refused(
                    f"{_quoted('/'.join(parts))} is a link to {_quoted('/'.join(target))}, which is no file before it"
                )
            parent = self._enter(parts[:-1])

            def link() -> None:
                os.link(target_name, name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)

            if parts != target:
                self._replacing(parts, link)
        finally:
            os.close(source)

    def count(self, size: int) -> None:
        """Take ``size`` more bytes."""
        self._check()
        self._room -= size
        if self._room < 0:
            raise _TooMuch(self._too_much)

    def _enter(self, parts: tuple[str, ...]) -> int:
        """The descriptor of a folder, good until the next call; the folder is made if it is not there."""
        if parts == self._open_parts:
            return self._open
        self._let_go()
        for part in parts:
            try:
                inner = os.open(part, _FOLDER, dir_fd=self._open)
            except FileNotFoundError:
                os.mkdir(part, 0o755, dir_fd=self._open)
                inner = os.open(part, _FOLDER, dir_fd=self._open)
            except OSError as error:
                if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                    raise
                raise _Refused(f"{_quoted('/'.join(parts))} is to be a folder, and holds a file or a link") from None
            self._close()
            self._open = inner
            self._open_parts = (*self._open_parts, part)
        return self._open

    def _replacing[Made](self, parts: tuple[str, ...], make: Callable[[], Made]) -> Made:
        """What ``make`` makes in the folder that is open, once more if something is there already: the last counts."""
        try:
            return make()
        except FileExistsError:
            found = _mode_of(parts[-1], self._open)
            if found is not None and stat.S_ISDIR(found):
                raise _Refused(f"{_quoted('/'.join(parts))} is both a folder and none") from None
            os.unlink(parts[-1], dir_fd=self._open)
            return make()

    def _let_go(self) -> None:
        self._close()
        self._open, self._open_parts = self._root, ()

    def _close(self) -> None:
        if self._open != self._root:
            os.close(self._open)
            self._open = self._root


class _TooMuch(UnpackError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}.")


def _put(target: _Folder, tar: tarfile.TarFile, member: tarfile.TarInfo, skip: int) -> None:
    parts = target.parts(member.name)[skip:]
    if member.isdir():
        target.make_folder(parts)
    elif member.issym():
        target.link(parts, member.linkname)
    elif member.islnk():
        target.hard_link(parts, target.parts(member.linkname)[skip:])
    elif member.isreg():
        target.write(parts, _content(tar, member), member.mode, member.mtime)
    else:
        raise _Refused(f"{_quoted(member.name)} is neither a file, a folder nor a link")


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    file = tar.extractfile(member)
    assert file is not None  # it is a file
    return _chunks(file)


def _chunks(file: Stream) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def _next(tar: tarfile.TarFile, reader: "_TarReader", check: Callable[[], None]) -> tarfile.TarInfo | None:
    check()
    reader.left = MAX_HEADER_BYTES
    member = tar.next()
    reader.left = None
    tar.members.clear()  # type: ignore[attr-defined]  # it would keep all of them
    return member


def _count(chunks: Iterable[bytes], target: _Folder) -> None:
    for chunk in chunks:
        target.count(len(chunk))


class _TarReader:
    """A stream of which ``left`` bytes may be read: a header can ask for any number of them, all in memory."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.left: int | None = MAX_HEADER_BYTES

    def read(self, size: int) -> bytes:
        chunk = self._stream.read(size)
        if self.left is not None:
            self.left -= len(chunk)
            if self.left < 0:
                raise UnpackError("a header in it is too long.")
        return chunk


def _last(parts: tuple[str, ...]) -> str:
    if not parts:
        raise _Refused("it has a file or a link in the place of its folder")
    return parts[-1]


def _mode_of(name: str, folder: int) -> int | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return None


def _quoted(name: str) -> str:
    return repr(name if len(name) <= 120 else f"{name[:117]}...")


def _size(count: int) -> str:
    return f"{count / GIB:g} GiB" if count >= GIB else f"{count / (1 << 20):g} MiB"
