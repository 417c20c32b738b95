"""``preflight images``: programs declared for the names of images, so that these run as processes, without Docker."""

import contextlib
import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from preflight.environments import Environment, Say
from preflight.sagemaker.launching.declared_images import DeclarationProblem, DeclaredImage, DeclaredImages
from preflight.stack import declared_images_folder, default_home


def declared_images() -> DeclaredImages:
    """Those that every stack of this user reads."""
    return DeclaredImages(declared_images_folder(default_home()))


def declare(
    name: str, command: str, folder: Path, python: str, requirements: Path | None, variables: Sequence[str]
) -> DeclaredImage:
    """Raises DeclarationProblem."""
    folder = folder.resolve()
    if default_home().resolve().is_relative_to(folder):
        raise DeclarationProblem(
            f"{folder} holds the stacks' own files ({default_home()}); give the program a folder of its own."
        )
    lines = requirements.read_text().splitlines() if requirements else []
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise DeclarationProblem(f"The command {command!r} is no command line: {error}.") from None
    return DeclaredImage(
        name=name,
        command=words,
        folder=str(folder),
        python=python,
        requirements=[line for each in lines if (line := each.partition(" #")[0].strip()) and line[0] != "#"],
        variables=dict(_variable(each) for each in variables),
    )


def add(image: DeclaredImage, say: Say) -> None:
    """Make its environment, then declare it. Raises EnvironmentProblem."""
    image.environment.ensure(say)
    before = _environment_of(image.name)
    declared_images().add(image)
    _remove_unused(before)
    what = shlex.join(image.command) or "the program that the container's arguments name"
    say(f"Jobs and endpoints of {image.name} run {what} in {image.folder}.")
    say("A server is to listen on the port that SAGEMAKER_BIND_TO_PORT names.")


def remove(name: str, say: Say) -> None:
    """Its environment goes with it, if no other image needs it. Raises DeclarationProblem if it is not declared."""
    environment = _environment_of(name)
    if not declared_images().remove(name):
        raise DeclarationProblem(f"{name} is not declared; preflight images lists what is.")
    _remove_unused(environment)
    say(f"{name} is no longer declared.")


def _environment_of(name: str) -> Environment | None:
    """None also if the declaration cannot be read: it is to be replaced or removed all the same."""
    try:
        return next((image.environment for image in declared_images() if image.name == name), None)
    except DeclarationProblem:
        return None


def _remove_unused(environment: Environment | None) -> None:
    """Unless a declared image needs it, or one that cannot be read might."""
    with contextlib.suppress(DeclarationProblem):
        if environment and all(image.environment != environment for image in declared_images()):
            environment.remove()


def table() -> Table:
    """All there are. Raises DeclarationProblem."""
    listed = Table("image", "command", "folder", "Python", "packages", box=None)
    for image in declared_images():
        command = shlex.join(image.command) or "train, serve"
        listed.add_row(image.name, command, image.folder, image.python, ", ".join(image.requirements))
    return listed


def _variable(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name.isidentifier():
        raise DeclarationProblem(f"{text!r} is no variable, as NAME=VALUE.")
    return name, value
