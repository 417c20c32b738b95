"""The table of programs: which images are run by a program of ours, how, and in which environment.

The one place that knows. An image that has no program here is run as it is, by a container engine.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from preflight.environments import Environment, EnvironmentProblem, Say
from preflight.sagemaker.api.errors import ServiceError, UnsupportedByPreflight
from preflight.sagemaker.launching.declared_images import DeclarationProblem, DeclaredImages
from preflight.sagemaker.launching.framework_images import (
    choose,
    find_framework_image,
    framework_images,
    framework_of,
)
from preflight.sagemaker.launching.images import algorithms, find_algorithm, require_same_region, tag_of
from preflight.sagemaker.settings import EXACT, FRAMEWORK_VERSIONS, NEAREST

OUR_PYTHON = "{python}"  # among a program's words: the interpreter of its environment


class EnvironmentMissing(ServiceError):
    """What an image's program runs in cannot be made; the text says why and what to do."""

    code, status = UnsupportedByPreflight.code, UnsupportedByPreflight.status


class DeclarationBroken(ServiceError):
    """What is declared of an image cannot be; the text says what."""

    code, status = UnsupportedByPreflight.code, UnsupportedByPreflight.status


@dataclass(frozen=True, kw_only=True)
class Program:
    """What does an image's work: ``words``, then the container's arguments.

    The environment is the stack's own if there is none; else it is made when it is first needed, and each container
    may change it for itself. ``variables`` are added to the container's own, also where the program runs in its local
    Docker image. ``algorithm`` is the name of a built-in algorithm, None for any other program. ``folder`` is where a
    declared program starts, and first on its path. ``warning`` says so if it is not quite what was asked for.
    """

    words: Sequence[str]
    environment: Environment | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    algorithm: str | None = None
    folder: Path | None = None
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
        words = entrypoint or [str(python) if word == OUR_PYTHON else word for word in self.words]
        return [*words, *(arguments or ())]


@dataclass(frozen=True)
class Programs:
    """``versions`` is the setting PREFLIGHT_FRAMEWORK_VERSIONS; ``declared`` are the images with declared programs."""

    versions: str = EXACT
    declared: DeclaredImages | None = None

    def find(self, image: str, region: str, *, script: bool = False) -> Program | None:
        """The program that does the work of ``image`` in ``region``, or None if the image itself has to run.

        ``script``: the image is to run a script of the caller's, which some images of built-in algorithms can, too.

        Raises:
            DeclarationBroken: it is declared, and the declaration does not hold.
        """
        return (
            find_builtin_program(image, region, script=script)
            or self._find_framework(image, region)
            or self._find_declared(image)
        )

    def require(self, image: str, region: str, *, script: bool = False) -> Program:
        """The program that does the work of ``image`` in ``region``.

        Raises:
            ValidationException: the image is a built-in algorithm's of another region.
            UnsupportedByPreflight: any other image; it needs a container engine.
            DeclarationBroken: as for ``find``.
        """
        if program := self.find(image, region, script=script):
            return program
        require_same_region(image, region)
        if framework := framework_of(image, region):
            known = ", ".join(each.tags[0] for each in framework_images() if each.framework == framework)
            raise UnsupportedByPreflight(f"A script in {image} (only in the versions {known})")
        raise UnsupportedByPreflight(
            f"Image {image} (neither the image of a built-in algorithm, {' or '.join(algorithms())}, nor of a "
            f"framework in {region}, nor declared by preflight images add) without Docker"
        )

    def _find_framework(self, image: str, region: str) -> Program | None:
        wanted = find_framework_image(image, region)
        if wanted is None:
            return None
        choice = choose(wanted, self.versions)
        return Program(
            words=(OUR_PYTHON, "-m", "preflight_container.script_mode"),
            environment=choice.image.environment,
            variables={"PREFLIGHT_FRAMEWORK": wanted.framework},
            warning=choice.warning,
        )

    def _find_declared(self, image: str) -> Program | None:
        try:
            declared = self.declared.find(image) if self.declared else None
            if declared is None:
                return None
            return Program(
                words=declared.command,
                environment=declared.environment,
                variables=declared.variables,
                folder=declared.require_folder(),
            )
        except DeclarationProblem as problem:
            raise DeclarationBroken(str(problem)) from problem


def find_builtin_program(image: str, region: str, *, script: bool = False) -> Program | None:
    """The program of a built-in algorithm, if ``image`` is its image and not to run a ``script``."""
    algorithm = find_algorithm(image, region)
    if algorithm is None or (script and framework_of(image, region)):
        return None
    return Program(
        words=(OUR_PYTHON, "-P", "-m", "preflight_container"),
        variables={"PREFLIGHT_ALGORITHM": algorithm, "PREFLIGHT_IMAGE_TAG": tag_of(image)},
        algorithm=algorithm,
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
