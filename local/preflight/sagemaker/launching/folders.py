"""Folders on this machine."""

import shutil
from pathlib import Path


def remove_folder(folder: Path) -> None:
    """Remove ``folder`` and all in it, also what is read-only."""
    if folder.is_dir():
        for path in [folder, *folder.rglob("*")]:
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
