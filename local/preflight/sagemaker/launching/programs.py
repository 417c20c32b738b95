"""The table of programs: which images are run by a program of ours, how, and in which environment.

The one place that knows. An image that has no program here is run as it is, by a container engine.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from preflight.environments import Environment, EnvironmentProblem, Say, silent
from preflight.sagemaker.api.errors import ServiceError, UnsupportedByPreflight
from preflight.sagemaker.launching.declared_images import DeclarationProblem, DeclaredImages
from preflight.sagemaker.launching.framework_images import (
    FrameworkImage,
    choose,
    framework_images,
    framework_of,
)
from preflight.sagemaker.launching.images import (
    algorithms,
    find_algorithm,
    local_name,
    require_same_region,
    tag_of,
    untagged,
)
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
    ``nearest`` is the framework's image whose substitute runs it if the environment cannot be made.
    """

    words: Sequence[str]
    environment: Environment | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    algorithm: str | None = None
    folder: Path | None = None
    warning: str = ""
    nearest: FrameworkImage | None = None

    @property
    def python(self) -> Path:
        """Its interpreter, which is there once it is ``prepared``."""
        return self.environment.interpreter if self.environment else Path(sys.executable)

    def prepared(self, say: Say = silent) -> "Program":
        """The same with its environment made, or the one that takes its place; ``say`` gets a line for each step.

        Raises:
            EnvironmentMissing: it cannot be made.
        """
        if self.environment is None or self.environment.is_made():
            return self
        if self.nearest is None:
            self._make(self.environment, say)
            return self
        if not self.nearest.substitute.is_made():
            try:
                self._make(self.environment, say)
                return self
            except EnvironmentMissing as problem:
                say(f"{problem.message}\nThe newest packages that can be had take their place.")
            self._make(self.nearest.substitute, say)
        return self._substituted(self.nearest)

    def _substituted(self, image: FrameworkImage) -> "Program":
        version = image.substitute.version_of(image.package)
        text = (
            f"{self.warning} The packages of {image.name} could not be had; {image.package} {version} takes its place "
            f"({FRAMEWORK_VERSIONS} is {NEAREST}; preflight frameworks install {image.name} tries again). Its models "
            "may not load on AWS."
        )
        return replace(self, environment=image.substitute, warning=text.strip())

    def _make(self, environment: Environment, say: Say) -> None:
        """Raises EnvironmentMissing."""
        try:
            environment.ensure(say)
        except EnvironmentProblem as problem:
            raise self._cannot_be_made(environment, problem) from problem

    def _cannot_be_made(self, environment: Environment, problem: EnvironmentProblem) -> EnvironmentMissing:
        if "/" not in environment.python:
            return EnvironmentMissing(
                f"The image runs on Python {environment.python}, which is not on this machine and could not be "
                f"fetched. Install it (uv python install {environment.python}, or pyenv), or let another version of "
                f"the framework take its place: {FRAMEWORK_VERSIONS}={NEAREST}. {problem}"
            )
        if self.nearest or self.folder:
            return EnvironmentMissing(str(problem))
        return EnvironmentMissing(f"{problem}\n{FRAMEWORK_VERSIONS}={NEAREST} takes the newest that can be had.")

    def command(self, entrypoint: Sequence[str] | None, arguments: Sequence[str] | None) -> list[str]:
        """What to run; an ``entrypoint`` takes the program's place, as it would take the image's."""
        words = entrypoint or [str(self.python) if word == OUR_PYTHON else word for word in self.words]
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
            repository = untagged(local_name(image))
            images = [each for each in framework_images() if each.framework == framework]
            known = ", ".join(each.tags[0] for each in images if repository in each.repositories)
            raise UnsupportedByPreflight(
                f"A script in {image} (only in the versions {known}; {FRAMEWORK_VERSIONS}={NEAREST} lets the nearest "
                "take its place)"
            )
        raise UnsupportedByPreflight(
            f"Image {image} (neither the image of a built-in algorithm, {' or '.join(algorithms())}, nor of a "
            f"framework in {region}, nor declared by preflight images add) without Docker"
        )

    def _find_framework(self, image: str, region: str) -> Program | None:
        choice = choose(image, region, self.versions)
        if choice is None:
            return None
        return Program(
            words=(OUR_PYTHON, "-m", "preflight_container.script_mode") if choice.image.toolkit else (),
            environment=choice.image.environment,
            variables={"PREFLIGHT_FRAMEWORK": choice.image.framework},
            warning=choice.warning,
            nearest=choice.image if self.versions == NEAREST else None,
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
