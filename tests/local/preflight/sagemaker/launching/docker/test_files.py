"""What a container leaves, as the engine hands it out, becomes the folder and nothing else."""

from pathlib import Path

import pytest
from preflight.sagemaker.launching.docker.files import pack, unpack
from preflight.unpacking import UnpackError

from tests.local.preflight.hostile import HOSTILE, folder, link, member, tar


def test_what_is_packed_is_unpacked_in_the_place_of_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "from" / "deep").mkdir(parents=True)
    (tmp_path / "from" / "deep" / "file").write_text("new")
    (tmp_path / "from" / "same").symlink_to("deep/file")
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "old").touch()

    unpack(pack(tmp_path / "from", "model"), tmp_path / "to", pytest.fail)

    assert sorted(path.name for path in (tmp_path / "to").iterdir()) == ["deep", "same"]
    assert (tmp_path / "to" / "same").read_text() == "new"


@pytest.mark.parametrize("name", set(HOSTILE) - {"absolute", "through an absolute link"})
def test_no_container_writes_beside_its_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").write_text("kept")
    members = [folder("model")]
    for info, content in HOSTILE[name]:
        linkname = f"model/{info.linkname}" if info.islnk() else info.linkname
        info = info.replace(name=f"model/{info.name}", linkname=linkname, deep=False)
        members.append((info, content))

    try:
        unpack([tar(members)], tmp_path / "model", lambda _: None)
    except UnpackError:
        assert not (tmp_path / "model").exists()

    assert (tmp_path / "outside" / "kept").read_text() == "kept"
    assert {path.name for path in tmp_path.iterdir()} <= {"outside", "model"}


@pytest.mark.parametrize("root", [link("model", "."), member("model", b"file")], ids=["link", "file"])
def test_a_folder_that_has_become_something_else_is_left_out(tmp_path: Path, root: object) -> None:
    refused: list[str] = []

    unpack([tar([root, member("model/file", b"file")])], tmp_path / "model", refused.append)  # type: ignore[list-item]

    assert refused
    assert not (tmp_path / "model").is_symlink()
