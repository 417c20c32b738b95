"""Folders that a container can read only, as SageMaker gives the model to ``serve``."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from docker import DockerClient
from docker.errors import APIError
from docker.models.containers import Container as EngineContainer
from docker.types import Mount

from preflight.sagemaker.launching.docker.files import pack


@dataclass(frozen=True)
class ReadOnlyVolume:
    """A volume that a container sees at ``path`` and cannot write to.

    The engine writes to a volume through a container only: ``carrier`` is there for that, and never runs.
    """

    client: DockerClient
    name: str
    path: str
    carrier: EngineContainer

    @classmethod
    def create(cls, client: DockerClient, path: str, image_id: str, labels: Mapping[str, str]) -> Self:
        name = client.volumes.create(labels=dict(labels)).name
        try:
            mount = Mount(path, name, no_copy=True)
            carrier = client.containers.create(image_id, ["-"], mounts=[mount], labels=dict(labels))
            return cls(client, name, path, carrier)
        except BaseException:
            client.api.remove_volume(name)
            raise

    @property
    def mount(self) -> Mount:
        return Mount(self.path, self.name, read_only=True)

    def fill(self, folder: Path) -> None:
        """Put what is in ``folder`` into it, once."""
        self.carrier.put_archive("/", pack(folder, self.path.strip("/")))
        self._remove_carrier()

    def remove(self) -> None:
        self._remove_carrier()
        with contextlib.suppress(APIError):  # gone with the stack
            self.client.api.remove_volume(self.name)

    def _remove_carrier(self) -> None:
        with contextlib.suppress(APIError):
            self.carrier.remove(v=True, force=True)
