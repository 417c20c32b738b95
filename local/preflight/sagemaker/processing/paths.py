"""LocalPath: where a processing container finds an input or leaves an output."""

from pathlib import PurePosixPath

ROOT = "/opt/ml/processing/"
MAX_NAME_BYTES = 255  # of a file on Linux


def is_below_root(local_path: str) -> bool:
    """Whether it is a path that can be, below ``/opt/ml/processing``, and leads nowhere else."""
    names = PurePosixPath(local_path).parts
    return local_path.startswith(ROOT) and all(name != ".." and len(name.encode()) <= MAX_NAME_BYTES for name in names)


def below_opt_ml(local_path: str) -> str:
    """``processing/input`` of ``/opt/ml/processing/input/``, which must be ``is_below_root``."""
    return str(PurePosixPath(local_path).relative_to("/opt/ml"))
