"""The table of programs: which images are run by a program of ours, how, and in which environment.

The one place that knows. An image that has no program here is run as it is, by a container engine.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from preflight.environments import Environment, EnvironmentProblem, Say
from preflight.sagemaker.api.errors import ServiceError, UnsupportedByPreflight
from preflight.sagemaker.launching.framework_images import (
    choose,
    find_framework_image,
    framework_images,
    framework_of,
)
from preflight.sagemaker.launching.images import algorithms, find_algorithm, require_same_region, tag_of
from preflight.sagemaker.settings import EXACT, FRAMEWORK_VERSIONS, NEAREST


class EnvironmentMissing(ServiceError):
    """What an image's program runs in cannot be made; the text says why and what to do."""

    code, status = UnsupportedByPreflight.code, UnsupportedByPreflight.status


@dataclass(frozen=True, kw_only=True)
class Program:
    """What does an image's work: the interpreter of ``environment`` with ``words``, then the container's arguments.

    The environment is the stack's own if there is none; else it is made when it is first needed, and each container
    may change it for itself. ``variables`` are added to the container's own, also where the program runs in its local
    Docker image. ``algorithm`` is the name of a built-in algorithm, None for any other program. ``warning`` says so if
    it is not quite what was asked for.
    """

    words: Sequence[str]
    environment: Environment | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    algorithm: str | None = None
    warning: str = ""

    def python(self, say: Say) -> Path:
        """Its interpreter; ``say`` gets a line for each step if the environment has to be made.

        Raises:
            EnvironmentMissing: it cannot be made.
        """
        if self.environment is None:
            return Path(sys.executable)
        try:
            return self.environment.ensure(say)
        except EnvironmentProblem as problem:
            raise _cannot_be_made(self.environment, problem) from problem

    def command(self, python: Path, entrypoint: Sequence[str] | None, arguments: Sequence[str] | None) -> list[str]:
        """What to run; an ``entrypoint`` takes the program's place, as it would take the image's."""
        return [*(entrypoint or (str(python), *self.words)), *(arguments or ())]


def find_program(image: str, region: str, *, script: bool = False, versions: str = EXACT) -> Program | None:
    """The program that does the work of ``image`` in ``region``, or None if the image itself has to run.

    ``script``: the image is to run a script of the caller's, which some images of built-in algorithms can, too.
    ``versions`` is the setting PREFLIGHT_FRAMEWORK_VERSIONS.
    """
    algorithm = find_algorithm(image, region)
    if algorithm is not None and not (script and framework_of(image, region)):
        return Program(
            words=("-P", "-m", "preflight_container"),
            variables={"PREFLIGHT_ALGORITHM": algorithm, "PREFLIGHT_IMAGE_TAG": tag_of(image)},
            algorithm=algorithm,
        )
    wanted = find_framework_image(image, region)
    if wanted is None:
        return None
    choice = choose(wanted, versions)
    return Program(
        words=("-m", "preflight_container.script_mode"),
        environment=choice.image.environment,
        variables={"PREFLIGHT_FRAMEWORK": wanted.framework},
        warning=choice.warning,
    )


def require_program(image: str, region: str, *, script: bool = False, versions: str = EXACT) -> Program:
    """The program that does the work of ``image`` in ``region``.

    Raises:
        ValidationException: the image is a built-in algorithm's of another region.
        UnsupportedByPreflight: any other image; it needs a container engine.
    """
    if program := find_program(image, region, script=script, versions=versions):
        return program
    require_same_region(image, region)
    if framework := framework_of(image, region):
        known = ", ".join(each.tags[0] for each in framework_images() if each.framework == framework)
        raise UnsupportedByPreflight(f"A script in {image} (only in the versions {known})")
    raise UnsupportedByPreflight(
        f"Image {image} (neither the image of a built-in algorithm, {' or '.join(algorithms())}, nor of a framework "
        f"in {region}) without Docker"
    )


def find_builtin_algorithm(image: str, region: str) -> str | None:
    """The built-in algorithm that ``image`` is in ``region``, or None: the rest of its image is the caller's."""
    return find_algorithm(image, region)


def _cannot_be_made(environment: Environment, problem: EnvironmentProblem) -> EnvironmentMissing:
    if "/" in environment.python:
        return EnvironmentMissing(str(problem))
    return EnvironmentMissing(
        f"The image runs on Python {environment.python}, which is not on this machine and could not be fetched. "
        f"Install it (uv python install {environment.python}, or pyenv), or let another version of the framework take "
        f"its place: {FRAMEWORK_VERSIONS}={NEAREST}. {problem}"
    )
