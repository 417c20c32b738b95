"""Images whose program somebody has declared, so that it runs as a process: ``preflight images add``.

A declaration says what a Dockerfile would: the command, the folder it starts in, its packages and variables. Each is a
file of JSON in one folder, which every stack of the user reads when it needs one; nothing has to be started anew.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from preflight.environments import Environment
from preflight.function_runtimes import find_python
from preflight.sagemaker.launching.images import local_name, untagged

_NAME = re.compile(r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::\w[\w.-]{0,127})?")
_VERSION = re.compile(r"3\.\d{1,2}")
_NO_REQUIREMENT = re.compile(r"-|\.|/|.*\\$")  # an option, a path, half a line


class DeclarationProblem(Exception):
    """A declaration says what cannot be; the text says what and why."""


@dataclass(frozen=True, kw_only=True)
class DeclaredImage:
    """``command`` does the work of images called ``name``; it gets the container's arguments, ``train`` or ``serve``.

    ``name`` is a name as Docker has it, with a tag, or without one for every tag; or a whole URI. An empty ``command``
    leaves the work to the program of ``folder`` that the arguments name. ``folder`` is where it starts, and first on
    its path. It runs on ``python`` (``3.12``), with the packages that ``requirements`` asks for and what those need.

    Raises:
        DeclarationProblem: one of them cannot be.
    """

    name: str
    command: Sequence[str]
    folder: str
    python: str
    requirements: Sequence[str]
    variables: Mapping[str, str]

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise DeclarationProblem(f"{self.name!r} is no name of an image, as forest, team/forest:2 or a whole URI.")
        if not _VERSION.fullmatch(self.python):
            raise DeclarationProblem(f"{self.python!r} is no version of Python, as 3.12.")
        for line in self.requirements:
            if _NO_REQUIREMENT.match(line):
                raise DeclarationProblem(
                    f"{line!r} is no package by name and version, as scikit-learn==1.9.0. Packages come from the index "
                    "that uv or pip are set to (UV_DEFAULT_INDEX, UV_FIND_LINKS, PIP_INDEX_URL)."
                )

    @property
    def environment(self) -> Environment:
        lines = "\n".join(self.requirements)
        return Environment("declared-image", lines, python=find_python(self.python), with_dependencies=True)

    def require_folder(self) -> Path:
        """Raises DeclarationProblem if it is gone."""
        folder = Path(self.folder)
        if not folder.is_dir():
            raise DeclarationProblem(
                f"The program of {self.name} is declared to be in {folder}, which is no folder any more. Declare it "
                f"again (preflight images add {self.name}) or no more (preflight images remove {self.name})."
            )
        return folder


@dataclass(frozen=True)
class DeclaredImages:
    """The declarations in ``folder``."""

    folder: Path

    def find(self, image: str) -> DeclaredImage | None:
        """The one for ``image``: of its whole URI, its name and tag, or its name.

        Raises:
            DeclarationProblem: it cannot be read.
        """
        local = local_name(image)
        paths = (self._path(name) for name in (image, local, untagged(local)))
        return next((_read(path) for path in paths if path.exists()), None)

    def __iter__(self) -> Iterator[DeclaredImage]:
        """All, by name. Raises DeclarationProblem."""
        return map(_read, sorted(self.folder.glob("*.json")))

    def add(self, image: DeclaredImage) -> None:
        """Also in the place of one of the same name."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(image.name)
        aside = path.with_suffix(".new")
        aside.write_text(json.dumps(asdict(image), indent=2) + "\n")
        aside.replace(path)

    def remove(self, name: str) -> bool:
        """False if there is none."""
        path = self._path(name)
        is_there = path.exists()
        path.unlink(missing_ok=True)
        return is_there

    def _path(self, name: str) -> Path:
        return self.folder / f"{quote(name, safe='')}.json"


def _read(path: Path) -> DeclaredImage:
    try:
        content: dict[str, Any] = json.loads(path.read_text())
        return DeclaredImage(**content)
    except (OSError, ValueError, TypeError) as error:
        raise DeclarationProblem(f"The declaration in {path} cannot be read: {error}") from error
