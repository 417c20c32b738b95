"""Where Python looks for modules: the script's own places come first, and this program's are not among them."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def leave_to_script(own: str) -> None:
    """Take ``own``, the folder of this program, out of what the script's processes and imports see.

    What of this program is imported later is found through its package, which is loaded.
    """
    here = os.getcwd()  # noqa: PTH109
    sys.path[:] = [path for path in sys.path if path not in ("", here) and not _is(path, own)]
    variable = os.environ.get("PYTHONPATH", "")
    kept = [path for path in variable.split(os.pathsep) if path and not _is(path, own)]
    os.environ["PYTHONPATH"] = os.pathsep.join(kept)


def put_first(folder: str) -> None:
    """Let this process and its children find modules in ``folder`` before all others."""
    sys.path.insert(0, folder)
    rest = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in (folder, rest) if path)


def put_toolkits_last() -> None:
    """Let scripts import what AWS's images have for them, unless something installed has the name."""
    folder = str(Path(__file__).resolve().parent / "toolkits")
    sys.path.append(folder)
    rest = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in (rest, folder) if path)


def _is(path: str, own: str) -> bool:
    try:
        return os.path.samefile(path, own)  # noqa: PTH121
    except OSError:
        return False
