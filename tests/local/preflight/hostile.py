"""Archives that try to reach what lies beside the folder they are unpacked into: ``outside/kept``."""

import io
import stat
import tarfile
import zipfile
from typing import Any, Literal

LONG = "d" * 247


def member(name: str, content: bytes = b"", **members: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in members.items():
        setattr(info, key, value)
    return info, content


def link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=tarfile.SYMTYPE, linkname=target)


def hard_link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=tarfile.LNKTYPE, linkname=target)


def folder(name: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=tarfile.DIRTYPE)


def beyond_realpath(folder_outside: str, name: str) -> list[tuple[tarfile.TarInfo, bytes]]:
    """CVE-2025-4517: a link so deep that realpath gives up on it, and then one that goes up from where it leads."""
    made, path, steps = [], "", "abcdefghijklmnop"
    for step in steps:
        made += [folder(f"{path}{LONG}"), link(f"{path}{step}", LONG)]
        path += f"{LONG}/"
    root = f"{'/'.join(steps)}/{'l' * 254}"
    made += [link(root, "../" * len(steps)), link("escape", f"{root}/{folder_outside}")]
    return [*made, hard_link("file", f"escape/{name}"), member("file", b"reached")]


HOSTILE = {
    "above": [member("../outside/kept", b"reached")],
    "absolute": [member("/tmp/preflight-reached", b"reached")],
    "through a link": [link("way", "../outside"), member("way/kept", b"reached")],
    "through an absolute link": [link("way", "/tmp"), member("way/preflight-reached", b"reached")],
    "through a link that stays": [folder("in"), link("way", "in"), member("way/file", b"reached")],
    "link around a link": [folder("a"), link("a/b", ".."), link("way", "a/b/../outside"), member("way/kept", b"x")],
    "link over a link": [link("way", "../outside/kept"), member("way", b"reached")],
    "hard link": [hard_link("kept", "../outside/kept"), member("kept", b"reached")],
    "hard link to a link": [folder("a"), link("a/up", ".."), hard_link("up", "a/up"), member("up/outside/kept", b"x")],
    "beyond realpath": beyond_realpath("../outside", "kept"),
    "pipe": [member("pipe", type=tarfile.FIFOTYPE)],
    "device": [member("device", type=tarfile.CHRTYPE, devmajor=1, devminor=3)],
    "long name": [member("n" * 300)],
    "long path": [member("deep/" * 3000 + "file")],
    "folder and file": [member("a/b"), member("a", b"x")],
    "file in the place of the folder": [member(".", b"x")],
    "long header": [member("file", pax_headers={"comment": "x" * 2_000_000})],
}


def tar(members: list[tuple[tarfile.TarInfo, bytes]], mode: Literal["w", "w:gz"] = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def zip_of(**members: str | bytes) -> bytes:
    """A zip file; a name that ends in ``_link`` is a symbolic link to its content."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            kind = stat.S_IFLNK if name.endswith("_link") else stat.S_IFREG
            info.external_attr = (kind | 0o755) << 16
            archive.writestr(info, content)
    return buffer.getvalue()
