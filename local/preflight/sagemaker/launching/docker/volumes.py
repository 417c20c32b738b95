"""A model as SageMaker gives it to ``serve``: in ``/opt/ml/model``, and read-only."""

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

MODEL_FOLDER = "/opt/ml/model"


@dataclass(frozen=True)
class ModelVolume:
    """A volume with a model in it.

    The engine writes to a volume through a container only: ``carrier`` is there for that, and never runs.
    """

    client: DockerClient
    name: str
    carrier: EngineContainer

    @classmethod
    def create(cls, client: DockerClient, image_id: str, labels: Mapping[str, str]) -> Self:
        name = client.volumes.create(labels=dict(labels)).name
        try:
            mount = Mount(MODEL_FOLDER, name, no_copy=True)
            return cls(client, name, client.containers.create(image_id, ["-"], mounts=[mount], labels=dict(labels)))
        except BaseException:
            client.api.remove_volume(name)
            raise

    @property
    def mount(self) -> Mount:
        return Mount(MODEL_FOLDER, self.name, read_only=True)

    def fill(self, folder: Path) -> None:
        """Put what is in ``folder`` into it, once."""
        self.carrier.put_archive("/", pack(folder, MODEL_FOLDER.strip("/")))
        self._remove_carrier()

    def remove(self) -> None:
        self._remove_carrier()
        with contextlib.suppress(APIError):  # gone with the stack
            self.client.api.remove_volume(self.name)

    def _remove_carrier(self) -> None:
        with contextlib.suppress(APIError):
            self.carrier.remove(v=True, force=True)
