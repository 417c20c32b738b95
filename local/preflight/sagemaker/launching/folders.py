"""Folders on this machine."""

import logging
import uuid
from pathlib import Path

LOG = logging.getLogger(__name__)


def remove_folder(folder: Path) -> None:
    """Remove ``folder`` and all in it, however deep, also what is read-only.

    What cannot be removed stays, and the log says so: nobody who is done with a folder can do anything about it.
    """
    waiting, emptied = [folder], []
    problem: OSError | None = None
    while waiting:
        path = waiting.pop()
        try:
            if path.is_symlink() or not path.is_dir():
                path.unlink(missing_ok=True)
                continue
            path.chmod(0o700)  # else it can be neither moved nor emptied
            if path != folder and path.parent != folder:
                path = path.rename(folder / uuid.uuid4().hex)  # up here, neither paths nor a recursion get deep
            emptied.append(path)
            waiting += path.iterdir()
        except FileNotFoundError:
            continue  # somebody else removes it, too
        except OSError as error:
            problem = error
    for path in reversed(emptied):
        try:
            path.rmdir()
        except FileNotFoundError:
            continue
        except OSError as error:
            problem = problem or error
    if problem:
        LOG.warning("%s could not be removed: %s", folder, problem)
