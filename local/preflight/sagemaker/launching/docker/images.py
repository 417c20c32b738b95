"""Which local image stands behind an image URI: ours if a program of ours does its work, else the one of its name."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from docker import DockerClient
from docker.errors import APIError

from preflight.sagemaker.api.errors import ValidationException
from preflight.sagemaker.launching.images import local_name, require_same_region
from preflight.sagemaker.launching.programs import find_builtin_program


@dataclass(frozen=True)
class LocalImage:
    """What to run, by its id, and what it needs in its environment."""

    id: str
    environment: Mapping[str, str] = field(default_factory=dict)


def find_local_image(
    client: DockerClient, uri: str, region: str, builtin_image: str, *, script: bool = False
) -> LocalImage:
    """The local image of ``uri``; ``builtin_image`` is the name of the one with the built-in algorithms.

    It has no framework: a ``script`` runs in the local image of the framework's name.

    Raises:
        ValidationException: there is none.
    """
    require_same_region(uri, region)
    program = find_builtin_program(uri, region, script=script)
    names = [builtin_image] if program else [uri, local_name(uri)]
    for name in names:
        try:
            image = client.images.get(name)
        except APIError as error:
            if error.is_server_error():
                raise
            continue  # not there, or no name of an image at all
        return LocalImage(image.id, program.variables if program else {})
    raise ValidationException(f"Requested image {uri} not found. {_advice(names, is_ours=program is not None)}")


def _advice(names: list[str], is_ours: bool) -> str:
    if is_ours:
        return (
            f"Preflight runs the built-in algorithms in its own image, {names[0]}, which is not there; "
            f"build it: docker build -f container/Dockerfile -t {names[0]} ."
        )
    wanted = " or ".join(dict.fromkeys(names))
    return (
        f"Preflight runs the local image of that name, and there is no {wanted}. "
        f"Build it (docker build -t {names[-1]} .) or pull it (docker pull {names[0]})."
    )
