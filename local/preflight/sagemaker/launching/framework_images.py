"""The images of frameworks, which run a script of the caller's: which versions there are, and what each needs.

An image runs here in an environment with its own Python and its own packages. With PREFLIGHT_FRAMEWORK_VERSIONS=nearest
one whose Python is not on this machine runs as another version of the framework.
"""

import functools
import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from preflight.environments import Environment
from preflight.function_runtimes import find_python
from preflight.sagemaker.launching.images import is_in, tag_of
from preflight.sagemaker.settings import FRAMEWORK_VERSIONS, NEAREST

_FOLDER = files(__package__).joinpath("frameworks")
_ACCOUNTS_OF = "xgboost"


@dataclass(frozen=True)
class FrameworkImage:
    """``version`` of ``framework`` as AWS tags it (``sklearn``, ``1.2-1``), on ``python`` (``3.9``)."""

    framework: str
    version: str
    python: str
    tags: tuple[str, ...]

    @property
    def name(self) -> str:
        """``sklearn:1.2-1``."""
        return f"{self.framework}:{self.version}"

    @property
    def environment(self) -> Environment:
        """Its Python as it is on this machine; else uv is to find one."""
        pins = _FOLDER.joinpath(f"{self.framework}-{self.version}.txt").read_text()
        return Environment(f"{self.framework}-{self.version}", pins, python=find_python(self.python))

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
        FrameworkImage(framework, version, entry["python"], tuple(entry["tags"]))
        for framework, about in _table().items()
        for version, entry in about["versions"].items()
    ]


def framework_of(image: str, region: str) -> str | None:
    """The framework whose repository ``image`` is in, whether or not its tag is known here."""
    frameworks = _table().items()
    return next((name for name, about in frameworks if is_in(image, region, about["repository"], _ACCOUNTS_OF)), None)


def find_framework_image(image: str, region: str) -> FrameworkImage | None:
    """What ``image`` is in ``region``; None if it is no framework's, or a version that is not known here."""
    framework, tag = framework_of(image, region), tag_of(image)
    return next((each for each in framework_images() if each.framework == framework and tag in each.tags), None)


def choose(wanted: FrameworkImage, policy: str) -> Choice:
    """``wanted``, or with policy ``nearest`` the next newer version whose Python is here, else the newest older one."""
    if policy != NEAREST or wanted.has_python:
        return Choice(wanted)
    versions = [each for each in framework_images() if each.framework == wanted.framework]
    place = versions.index(wanted)
    others = [*versions[place + 1 :], *reversed(versions[:place])]
    nearest = next((each for each in others if each.has_python), wanted)
    if nearest == wanted:
        return Choice(wanted)
    return Choice(
        nearest,
        f"{wanted.name} runs on Python {wanted.python}, which is not on this machine; {nearest.name} on Python "
        f"{nearest.python} takes its place ({FRAMEWORK_VERSIONS} is {NEAREST}). Its models may not load on AWS.",
    )


@functools.cache
def _table() -> dict[str, dict[str, Any]]:
    frameworks: dict[str, dict[str, Any]] = json.loads(_FOLDER.joinpath("images.json").read_text())["frameworks"]
    return frameworks
