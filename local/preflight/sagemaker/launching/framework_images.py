"""The images of frameworks, which run a script of the caller's: which versions there are, and what each needs.

An image runs here in an environment with its own Python and its own packages. With PREFLIGHT_FRAMEWORK_VERSIONS=nearest
one whose Python is not on this machine, or whose version is not known here, runs as another version of the framework,
and one whose packages are not to be had with the newest that are.
"""

import functools
import json
import re
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

from preflight.environments import Environment
from preflight.function_runtimes import find_python
from preflight.sagemaker.launching.images import accounts_of, is_in, local_name, tag_of, untagged
from preflight.sagemaker.settings import FRAMEWORK_VERSIONS, NEAREST

_FOLDER = files(__package__).joinpath("frameworks")
_ACCOUNTS_OF = "xgboost"
_SYSTEM = re.compile(r"-ubuntu[\d.]+-sagemaker(-v[\d.]+)?$")  # how a tag may end that means no other version
_VERSION = re.compile(r"(\d+(?:[.-]\d+)*)(?:-cpu-py\d+)?")  # a tag of an image for CPUs


@dataclass(frozen=True)
class FrameworkImage:
    """``version`` of ``framework`` as AWS tags it (``sklearn``, ``1.2-1``), on ``python`` (``3.9``).

    ``repositories`` have it under ``tags``. ``package`` is the one whose version it is; ``torch_backend`` as of an
    ``Environment``. Without a ``toolkit`` it knows no ``train`` and no ``serve``, only commands of the caller's.
    """

    framework: str
    version: str
    python: str
    tags: tuple[str, ...]
    repositories: tuple[str, ...]
    package: str
    torch_backend: str = ""
    toolkit: bool = True

    @property
    def name(self) -> str:
        """``sklearn:1.2-1``."""
        return f"{self.framework}:{self.version}"

    @property
    def environment(self) -> Environment:
        """Its Python as it is on this machine; else uv is to find one."""
        name = f"{self.framework}-{self.version}"
        return Environment(name, self._pins, python=find_python(self.python), torch_backend=self.torch_backend)

    @property
    def substitute(self) -> Environment:
        """Its Python with the newest of its packages that can be had."""
        packages = sorted({line.partition("==")[0] for line in self._pins.splitlines() if line})
        return replace(
            self.environment,
            name=f"{self.framework}-nearest",
            requirements="\n".join(packages),
            with_dependencies=True,
        )

    @property
    def _pins(self) -> str:
        return _FOLDER.joinpath(f"{self.framework}-{self.version}.txt").read_text()

    @property
    def has_python(self) -> bool:
        """Whether its Python is on this machine."""
        return find_python(self.python) != self.python or self.environment.is_made()


@dataclass(frozen=True)
class Choice:
    """The version that runs; ``warning`` says so if it is not the one that was asked for."""

    image: FrameworkImage
    warning: str = ""


def framework_images() -> list[FrameworkImage]:
    """All there are, by framework and age."""
    return [
        FrameworkImage(
            framework,
            version,
            entry["python"],
            tuple(entry["tags"]),
            tuple(entry.get("repositories", about["repositories"])),
            entry.get("package", about["package"]),
            about.get("torch_backend", ""),
            about.get("toolkit", True),
        )
        for framework, about in _table().items()
        for version, entry in about["versions"].items()
    ]


def framework_of(image: str, region: str) -> str | None:
    """The framework whose repository ``image`` is in, whether or not its tag is known here."""
    return next(
        (
            name
            for name, about in _table().items()
            if is_in(image, region, about["repositories"], about.get("accounts") or accounts_of(_ACCOUNTS_OF))
        ),
        None,
    )


def find_framework_image(image: str, region: str) -> FrameworkImage | None:
    """What ``image`` is in ``region``; None if it is no framework's, or a version that is not known here."""
    framework, tag = framework_of(image, region), _SYSTEM.sub("", tag_of(image))
    repository = untagged(local_name(image))
    return next(
        (
            each
            for each in framework_images()
            if each.framework == framework and tag in each.tags and repository in each.repositories
        ),
        None,
    )


def choose(image: str, region: str, policy: str) -> Choice | None:
    """The version that ``image`` is in ``region``, or with policy ``nearest`` one that takes its place.

    That is the next newer one in the image's repository whose Python is here, else the newest older one. None if
    ``image`` is no framework's, or a version that is not known here and that nothing may take the place of.
    """
    wanted = find_framework_image(image, region)
    if policy != NEAREST or (wanted and wanted.has_python):
        return Choice(wanted) if wanted else None
    nearest = _nearest(image, region)
    if nearest is None or nearest == wanted:
        return Choice(wanted) if wanted else None
    if wanted:
        why = f"{wanted.name} runs on Python {wanted.python}, which is not on this machine"
    else:
        why = f"{local_name(image)} is a version that Preflight does not have"
    return Choice(
        nearest,
        f"{why}; {nearest.name} on Python {nearest.python} takes its place ({FRAMEWORK_VERSIONS} is {NEAREST}). "
        "Its models may not load on AWS.",
    )


def _nearest(image: str, region: str) -> FrameworkImage | None:
    """The version next to the one that the tag of ``image`` tells, whose Python is on this machine."""
    tagged = _VERSION.fullmatch(_SYSTEM.sub("", tag_of(image)))
    if tagged is None:
        return None
    framework, repository = framework_of(image, region), untagged(local_name(image))
    others = [each for each in framework_images() if each.framework == framework and repository in each.repositories]
    newer = [each for each in others if _numbers(each.version) >= _numbers(tagged[1])]
    older = [each for each in others if each not in newer]
    return next((each for each in [*newer, *reversed(older)] if each.has_python), None)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


@functools.cache
def _table() -> dict[str, dict[str, Any]]:
    frameworks: dict[str, dict[str, Any]] = json.loads(_FOLDER.joinpath("images.json").read_text())["frameworks"]
    return frameworks
