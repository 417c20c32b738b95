"""``preflight frameworks``: the environments of the images of frameworks, made ahead, listed and removed."""

import click
from rich.table import Table

from preflight.environments import EnvironmentProblem, Say
from preflight.sagemaker.launching.framework_images import FrameworkImage, framework_images


def find(name: str) -> FrameworkImage:
    """The image called ``sklearn:1.2-1``. Raises click.BadParameter, which says what there is."""
    images = {image.name: image for image in framework_images()}
    if name not in images:
        raise click.BadParameter(f"{name} is not known; there is {', '.join(images)}.")
    return images[name]


def table() -> Table:
    """All there are, and which are here."""
    listed = Table("image", "Python", "environment", box=None)
    for image in framework_images():
        state = f"made, {_megabytes(image)} MB" if image.environment.is_made() else "made by the first job"
        if not image.has_python:
            state = f"needs Python {image.python}: uv python install {image.python}"
        listed.add_row(image.name, image.python, state)
    return listed


def install(image: FrameworkImage, say: Say) -> None:
    """Make its environment. Raises EnvironmentProblem."""
    try:
        image.environment.ensure(say)
    except EnvironmentProblem as problem:
        if image.has_python:
            raise
        raise EnvironmentProblem(
            f"{image.name} needs Python {image.python}, which is not on this machine (uv python install "
            f"{image.python}, or pyenv). {problem}"
        ) from problem
    say(f"{image.name} is in {image.environment.folder}")


def remove(image: FrameworkImage, say: Say) -> None:
    """Remove its environment; jobs that run in it fail."""
    if not image.environment.is_made():
        say(f"{image.name} has no environment.")
        return
    image.environment.remove()
    say(f"The environment of {image.name} is removed.")


def _megabytes(image: FrameworkImage) -> int:
    files = (path for path in image.environment.folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files) >> 20
