"""The table of programs: which images are run by a program of ours, how, and in which environment.

The one place that knows. An image that has no program here is run as it is, by a container engine.
"""

import functools
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from preflight.sagemaker.api.errors import UnsupportedByPreflight
from preflight.sagemaker.launching.images import algorithms, find_algorithm, require_same_region


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Where a program finds its interpreter, and with it its packages."""

    python: str


@dataclass(frozen=True, kw_only=True)
class Program:
    """What does an image's work: the interpreter of ``environment`` with ``words``, then the container's arguments.

    ``variables`` are added to the container's own, also where the program runs in its local Docker image.
    ``algorithm`` is the name of a built-in algorithm, None for any other program.
    """

    words: Sequence[str]
    environment: Environment
    variables: Mapping[str, str] = field(default_factory=dict)
    algorithm: str | None = None

    def command(self, entrypoint: Sequence[str] | None, arguments: Sequence[str] | None) -> list[str]:
        """What to run; an ``entrypoint`` takes the program's place, as it would take the image's."""
        return [*(entrypoint or (self.environment.python, *self.words)), *(arguments or ())]


_STACK = Environment(python=sys.executable)  # the stack's own, which has the built-in algorithms'


@functools.cache
def _builtin_programs() -> Mapping[str, Program]:
    return {
        algorithm: Program(
            words=("-P", "-m", "preflight_container"),
            environment=_STACK,
            variables={"PREFLIGHT_ALGORITHM": algorithm},
            algorithm=algorithm,
        )
        for algorithm in algorithms()
    }


def find_program(image: str, region: str) -> Program | None:
    """The program that does the work of ``image`` in ``region``, or None if the image itself has to run."""
    algorithm = find_algorithm(image, region)
    return _builtin_programs()[algorithm] if algorithm else None


def require_program(image: str, region: str) -> Program:
    """The program that does the work of ``image`` in ``region``.

    Raises:
        ValidationException: the image is a built-in algorithm's of another region.
        UnsupportedByPreflight: any other image; it needs a container engine.
    """
    if program := find_program(image, region):
        return program
    require_same_region(image, region)
    raise UnsupportedByPreflight(
        f"Image {image} (not the image of a built-in algorithm, {' or '.join(algorithms())}, in {region}) "
        f"without Docker"
    )


def find_builtin_algorithm(image: str, region: str) -> str | None:
    """The built-in algorithm that ``image`` is in ``region``, or None: the rest of its image is the caller's."""
    program = find_program(image, region)
    return program.algorithm if program else None
