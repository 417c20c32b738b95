"""What every part of the service works with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.launching.by_image import Launchers
from preflight.sagemaker.resources.table import Resources
from preflight.sagemaker.settings import Settings
from preflight.sagemaker.telemetry.cloudwatch import MetricWriter
from preflight.sagemaker.telemetry.events import EventWriter
from preflight.sagemaker.telemetry.logs import LogWriter


@dataclass(frozen=True)
class ServiceContext:
    settings: Settings
    resources: Resources
    services: Clients
    logs: LogWriter
    metrics: MetricWriter
    events: EventWriter
    launcher: Launchers

    @classmethod
    def create(cls, settings: Settings, launcher: Launchers | None = None) -> Self:
        services, resources = Clients(settings.endpoint_url), Resources()
        events = EventWriter(services)
        resources.observe(events.write)
        return cls(
            settings,
            resources,
            services,
            LogWriter(services),
            MetricWriter(services),
            events,
            launcher or Launchers(settings),
        )

    def close(self) -> None:
        """Write nothing more: what is written to goes down with the stack."""
        for writer in (self.logs, self.metrics, self.events):
            writer.close()

    def folder(self, *parts: str) -> Path:
        """A folder of the service's own; not made yet."""
        return self.settings.state_folder.joinpath(*parts)
