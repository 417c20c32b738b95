"""The script and what comes with it, from where it was put to the folder it runs in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from preflight_container.script_mode.s3 import download

REQUIREMENTS = "requirements.txt"

_MAX_BYTES = 30 << 30  # the volume that the SDK asks for
_COMMENT = re.compile(r"(^|\s)#.*")
_PATH = re.compile(r"(?:^|[\s=@])(?:file://)?((?:/|\.\.?/)[^\s;]*)")


class InstallError(Exception):
    """pip has failed; its exit code, and the command."""

    def __init__(self, code: int, command: list[str]) -> None:
        super().__init__(f"{' '.join(command)} ended with exit code {code}")
        self.code, self.command = code, command


def bring(source: str | None, code: Path, environ: Mapping[str, str]) -> None:
    """Put what is at ``source`` (an archive in S3 or here, or a folder) into ``code``, unless something is there.

    Raises:
        ObjectError, OSError, tarfile.TarError: it cannot be had, or is no archive.
    """
    code.mkdir(parents=True, exist_ok=True)
    if not source or any(code.iterdir()):
        return
    if source.startswith("s3://"):
        with tempfile.TemporaryDirectory() as aside:
            archive = Path(aside, "source.tar.gz")
            download(source, archive, environ)
            _unpack(archive, code)
        return
    place = Path(source[len("file://") :] if source.startswith("file://") else source)
    if place.is_dir():
        _copy(place, code)
    else:
        _unpack(place, code)


def _copy(folder: Path, code: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.copytree(path, code / path.name)
        else:
            shutil.copy2(path, code / path.name)


def _unpack(archive: Path, code: Path) -> None:
    """Nothing leaves ``code``, and no more is written than there is room for. Raises tarfile.TarError."""
    with tarfile.open(archive) as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extraction_filter = tarfile.data_filter
            members: Iterator[tarfile.TarInfo] = iter(tar)
        else:  # a Python older than that
            members = _inside(tar, code.resolve())
        tar.extractall(code, members=_fitting(members, code))


def _fitting(members: Iterator[tarfile.TarInfo], code: Path) -> Iterator[tarfile.TarInfo]:
    """Those of ``members`` that have room. Raises tarfile.TarError at the first that has not."""
    size = 0
    for member in members:
        size += member.size
        if size > _MAX_BYTES or member.size > shutil.disk_usage(code).free:
            raise tarfile.TarError(
                f"There is no room for {member.name!r}: a source may have {_MAX_BYTES >> 30} GB, and no more than the "
                "disk has."
            )
        yield member


def _inside(tar: tarfile.TarFile, code: Path) -> Iterator[tarfile.TarInfo]:
    """The members one by one, each looked at when those before it are written. Raises tarfile.TarError."""
    for member in tar:
        places = [code / member.name]
        if member.issym():
            places.append(places[0].parent / member.linkname)
        elif member.islnk():
            places.append(code / member.linkname)
        is_plain = member.isfile() or member.isdir() or len(places) > 1
        if not is_plain or any(code not in (place := each.resolve(), *place.parents) for each in places):
            raise tarfile.TarError(f"{member.name!r} would leave the folder that the archive is for, or is no file.")
        member.mode &= 0o755
        member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
        yield member


def install(command: list[str], code: Path, base: Path) -> None:
    """Run pip in ``code``, of which the container's ``base`` is the root. Raises InstallError."""
    command = [sys.executable, "-m", "pip", "install", *command]
    print(f"Installing: {' '.join(command)}", flush=True)
    if REQUIREMENTS in command and (path := _foreign_path(code, base)):
        print(
            f"{REQUIREMENTS} names {path}, which is this machine's: the container on AWS has no such file.", flush=True
        )
        raise InstallError(1, command)
    result = subprocess.run(command, cwd=code, env=dict(os.environ))
    if result.returncode:
        raise InstallError(result.returncode, command)


def _foreign_path(code: Path, base: Path) -> str | None:
    """The first path of the requirements that is there and not below ``base``."""
    for line in (code / REQUIREMENTS).read_text(errors="replace").splitlines():
        for match in _PATH.finditer(_COMMENT.sub("", line)):
            place = (code / match[1]).resolve()
            if place.exists() and base.resolve() not in (place, *place.parents):
                return match[1]
    return None
