"""Keys of objects and names of files: the one made to the other."""

from pathlib import Path, PurePosixPath

from preflight.sagemaker.data.errors import ArtifactError


def path_below(prefix: str, key: str) -> str:
    """Where an object found by ``prefix`` lies below the channel's folder.

    ``data`` and ``data/`` both make ``data/a/b.csv`` to ``a/b.csv``; of a prefix that ends within a name, the whole
    name is kept: ``data/part-`` makes ``data/part-0.csv`` to ``part-0.csv``.
    """
    folder = prefix.rstrip("/")
    if not folder or key.startswith(f"{folder}/"):
        return key.removeprefix(folder).lstrip("/")
    return key.removeprefix(folder.rpartition("/")[0]).lstrip("/")


def safe_path(folder: Path, relative: str) -> Path:
    """``folder / relative``. Raises ArtifactError if that would lie outside ``folder``."""
    path = PurePosixPath(relative)
    if path.is_absolute() or ".." in path.parts or "\0" in relative or not path.parts:
        raise ArtifactError(f"The name {relative!r} does not stay inside its folder.")
    return folder / path


def key_below(prefix: str, name: str) -> str:
    """The key of the object for the file ``name``. Raises ArtifactError if the name is not UTF-8, as keys are."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ArtifactError(f"The file name {name!r} is not UTF-8, and so cannot be an object's.") from None
    return prefix + name
