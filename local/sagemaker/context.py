"""What every part of the service works with."""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from local.sagemaker.launcher import Launcher
from local.sagemaker.logs import LogWriter
from local.sagemaker.other_services import OtherServices
from local.sagemaker.process_launcher import ProcessLauncher
from local.sagemaker.store import Stores


@dataclass(frozen=True)
class Settings:
    """Where the service stands. ``endpoint_url`` answers S3, IAM and Logs; ``state_folder`` is the service's own.

    ``training_slots`` is how many jobs train at once; the others wait, as jobs on AWS wait for instances.
    """

    endpoint_url: str
    state_folder: Path
    training_slots: int = max(2, os.cpu_count() or 2)

    @classmethod
    def from_env(cls, environ: Mapping[str, str], endpoint_url: str) -> Self:
        return cls(endpoint_url=endpoint_url, state_folder=Path(environ["PREFLIGHT_STATE_DIR"]))


@dataclass(frozen=True)
class ServiceContext:
    settings: Settings
    stores: Stores
    services: OtherServices
    logs: LogWriter
    launcher: Launcher
    training_slots: threading.BoundedSemaphore

    @classmethod
    def create(cls, settings: Settings) -> Self:
        services = OtherServices(settings.endpoint_url)
        slots = threading.BoundedSemaphore(settings.training_slots)
        return cls(settings, Stores(), services, LogWriter(services), ProcessLauncher(), slots)

    def folder(self, *parts: str) -> Path:
        """A folder of the service's own; not made yet."""
        return self.settings.state_folder.joinpath(*parts)
