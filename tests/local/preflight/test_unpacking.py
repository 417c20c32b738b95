"""Whatever an archive holds, nothing outside its folder changes; what is all right comes out as it went in."""

import io
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from preflight.unpacking import UnpackError, unpack_tar, unpack_zip

from tests.local.preflight.hostile import HOSTILE, folder, hard_link, link, member, tar, zip_of


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where to unpack; beside it lies ``outside/kept``."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").write_text("kept")
    return tmp_path / "target"


def outside(target: Path) -> dict[str, str]:
    """All that lies beside the target, and in /tmp what the archives try to write there."""
    found = [path for path in target.parent.rglob("*") if target not in path.parents and path != target]
    found += Path("/tmp").glob("preflight-reached")
    return {str(path): path.read_text() if path.is_file() else "" for path in found}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_tar_is_refused_and_reaches_nothing(
    target: Path, members: list[tuple[tarfile.TarInfo, bytes]]
) -> None:
    before = outside(target)

    with pytest.raises(UnpackError, match=r"\.$"):
        unpack_tar(io.BytesIO(tar(members)), target)

    assert outside(target) == before


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_member_left_out_reaches_nothing_either(
    target: Path, members: list[tuple[tarfile.TarInfo, bytes]]
) -> None:
    before = outside(target)
    refused: list[str] = []

    try:
        unpack_tar(io.BytesIO(tar([*members, member("last", b"last")])), target, on_refused=refused.append)
    except UnpackError:  # of a header that cannot be read, which hides what follows it
        assert not refused
    else:
        assert refused
        assert (target / "last").read_bytes() == b"last"
    assert outside(target) == before


def test_what_stays_inside_comes_out_as_it_went_in(target: Path) -> None:
    members = [
        folder("code"),
        member("./code/run", b"#!/bin/sh", mode=0o755, mtime=1_700_000_000),
        member("code/data", b"first"),
        member("code/data", b"second"),
        link("code/deep/up", "../run"),
        link("latest", "code/deep/up"),
        hard_link("same", "code/data"),
    ]

    unpack_tar(io.BytesIO(tar(members)), target)

    assert (target / "latest").read_bytes() == b"#!/bin/sh"
    assert (target / "same").read_bytes() == b"second"
    assert os.access(target / "code/run", os.X_OK) and not os.access(target / "code/data", os.X_OK)
    assert (target / "code/run").stat().st_mtime == 1_700_000_000


@pytest.mark.parametrize(
    "members", [[member("big", bytes(3 << 20))], [member(f"{place}") for place in range(600)]], ids=["size", "number"]
)
def test_an_archive_that_outgrows_its_volume_is_refused(target: Path, members: Any) -> None:
    with pytest.raises(UnpackError, match="it holds more than 2 MiB"):
        unpack_tar(io.BytesIO(tar(members)), target, max_bytes=2 << 20)


def test_zeros_after_the_end_of_an_archive_count_as_well(target: Path) -> None:
    with pytest.raises(UnpackError, match="it holds more than 1 MiB"):
        unpack_tar(io.BytesIO(tar([member("file")]) + bytes(2 << 20)), target, max_bytes=1 << 20)


@pytest.mark.parametrize(
    "members", [[member("big", bytes(64 << 20))], [member(f"{place}") for place in range(600)]], ids=["size", "number"]
)
def test_an_unpacking_can_be_given_up_at_any_moment(target: Path, members: Any) -> None:
    class GivenUp(Exception):
        pass

    moments = iter(range(20))

    def check() -> None:
        if next(moments, None) is None:
            raise GivenUp

    with pytest.raises(GivenUp):
        unpack_tar(io.BytesIO(tar(members)), target, check=check)

    assert sum(path.stat().st_size for path in target.iterdir()) < 64 << 20
    assert len(list(target.iterdir())) < 600


@pytest.mark.parametrize(
    "members",
    [
        {"../outside/kept": "reached"},
        {"/tmp/preflight-reached": "reached"},
        {"way_link": "../outside", "way_link/kept": "reached"},
        {"way_link": "/tmp", "way_link/preflight-reached": "reached"},
        {"n" * 300: "long"},
        {"big": bytes(3 << 20)},
    ],
    ids=["above", "absolute", "through a link", "through an absolute link", "long name", "size"],
)
def test_a_hostile_zip_is_refused_and_reaches_nothing(
    target: Path, tmp_path_factory: pytest.TempPathFactory, members: dict[str, str | bytes]
) -> None:
    archive = tmp_path_factory.mktemp("zip") / "code.zip"
    archive.write_bytes(zip_of(**members))
    before = outside(target)

    with pytest.raises(UnpackError, match=r"\.$"):
        unpack_zip(archive, target, max_bytes=2 << 20)

    assert outside(target) == before


def test_a_zip_comes_out_as_it_went_in(target: Path, tmp_path: Path) -> None:
    archive = tmp_path / "code.zip"
    archive.write_bytes(zip_of(**{"package/handler.py": "x = 1", "package/same_link": "handler.py", "empty/": ""}))

    unpack_zip(archive, target)

    assert (target / "package/same_link").read_text() == "x = 1"
    assert (target / "package/same_link").is_symlink() and (target / "empty").is_dir()


def test_what_is_no_archive_is_named_so(target: Path, tmp_path: Path) -> None:
    (tmp_path / "code.zip").write_bytes(b"no archive")

    with pytest.raises(UnpackError):
        unpack_zip(tmp_path / "code.zip", target)
    with pytest.raises(UnpackError):
        unpack_tar(io.BytesIO(b"no archive"), target)
    assert not zipfile.is_zipfile(tmp_path / "code.zip") and list(target.iterdir()) == []
