"""A folder is removed whatever a container has made of it."""

import os
from pathlib import Path

import pytest
from preflight.sagemaker.launching.folders import remove_folder


def nested(folder: Path, name: str, depth: int) -> None:
    """Folders in folders, deeper than any path may be long."""
    folder.mkdir()
    inner = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=inner)
        outer, inner = inner, os.open(name, os.O_RDONLY, dir_fd=inner)
        os.close(outer)
    os.close(inner)


@pytest.mark.parametrize(("name", "depth"), [("n" * 200, 100), ("n", 3000)], ids=["long", "deep"])
def test_a_tree_of_any_depth_is_removed(tmp_path: Path, name: str, depth: int) -> None:
    nested(tmp_path / "tree", name, depth)

    remove_folder(tmp_path / "tree")

    assert list(tmp_path.iterdir()) == []


def test_what_is_read_only_is_removed_and_what_links_lead_to_is_not(tmp_path: Path) -> None:
    kept, tree = tmp_path / "kept", tmp_path / "tree"
    (tree / "closed").mkdir(parents=True)
    kept.mkdir(mode=0o555)
    (tree / "closed" / "file").touch(0o400)
    (tree / "closed" / "way").symlink_to(kept)
    (tree / "closed").chmod(0o500)

    remove_folder(tree)

    assert list(tmp_path.iterdir()) == [kept] and kept.stat().st_mode & 0o777 == 0o555


def test_a_link_in_the_place_of_a_folder_is_removed_and_its_target_is_not(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "tree").symlink_to("kept")

    remove_folder(tmp_path / "tree")
    remove_folder(tmp_path / "never made")

    assert list(tmp_path.iterdir()) == [tmp_path / "kept"]
