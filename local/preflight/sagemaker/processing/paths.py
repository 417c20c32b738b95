"""LocalPath: where a processing container finds an input or leaves an output."""

from pathlib import PurePosixPath

ROOT = "/opt/ml/processing/"


def is_below_root(local_path: str) -> bool:
    """Whether it is a path below ``/opt/ml/processing`` that leads nowhere else."""
    return local_path.startswith(ROOT) and "\0" not in local_path and ".." not in PurePosixPath(local_path).parts


def below_opt_ml(local_path: str) -> str:
    """``processing/input`` of ``/opt/ml/processing/input/``, which must be ``is_below_root``."""
    return str(PurePosixPath(local_path).relative_to("/opt/ml"))
