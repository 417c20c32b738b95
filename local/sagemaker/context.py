"""What every part of the service works with."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from local.sagemaker.launchers import Launchers
from local.sagemaker.logs import LogWriter
from local.sagemaker.other_services import OtherServices
from local.sagemaker.settings import Settings
from local.sagemaker.store import Stores


@dataclass(frozen=True)
class ServiceContext:
    settings: Settings
    stores: Stores
    services: OtherServices
    logs: LogWriter
    launcher: Launchers
    training_slots: threading.BoundedSemaphore

    @classmethod
    def create(cls, settings: Settings, launcher: Launchers | None = None) -> Self:
        services = OtherServices(settings.endpoint_url)
        slots = threading.BoundedSemaphore(settings.training_slots)
        return cls(settings, Stores(), services, LogWriter(services), launcher or Launchers(settings), slots)

    def folder(self, *parts: str) -> Path:
        """A folder of the service's own; not made yet."""
        return self.settings.state_folder.joinpath(*parts)
